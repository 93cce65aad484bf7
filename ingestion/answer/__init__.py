"""What a sender gets back for a file: faults with cell, value, rule and remedy, and what to confirm, in its language.

Belongs here: saying what `ingestion.check` and `ingestion.pipeline` found, as a page, a workbook or JSON, and
comparing a filing with the one before it. Does not belong here: judging rows, or deciding what becomes of a file.
"""
