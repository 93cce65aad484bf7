"""Dagster definitions and the command line: thin, and the only place that imports Dagster.

What is ingested, built, judged and published is decided in the other packages; here it is put in order, watched
and started.
"""
