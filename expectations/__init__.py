"""What must hold before a figure is published: expectations, the evidence ledger, the gate.

Knows no Dagster.
"""
