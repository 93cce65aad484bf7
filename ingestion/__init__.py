"""A sender's file -> accepted, quarantined and duplicate rows in the lake.

Nothing here imports Dagster or DuckDB's build file: ingestion writes Parquet, so senders load side by side.
"""
