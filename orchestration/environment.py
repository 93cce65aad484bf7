"""Environment variables that a run reads, besides `QAMTU_HOME`."""

import os
from enum import StrEnum

#: Folders to read deliveries from, separated as in PATH; the home's own inbox when not set.
INBOX_VARIABLE = "QAMTU_INBOX"
#: What makes the tables; DuckDB when not set.
ENGINE_VARIABLE = "QAMTU_ENGINE"
#: Host of a Spark Thrift server; without it Spark is a session on this machine.
SPARK_HOST_VARIABLE = "QAMTU_SPARK_HOST"
#: URL of the Postgres database in which a team's Dagster keeps its state; without it, SQLite in the home.
POSTGRES_VARIABLE = "QAMTU_DAGSTER_POSTGRES"


class Engine(StrEnum):
    """What makes the tables of a build."""

    DUCKDB = "duckdb"
    SPARK = "spark"


def chosen_engine() -> Engine:
    """The engine that the environment names. Errors: ValueError on any other."""
    return Engine(os.environ.get(ENGINE_VARIABLE) or Engine.DUCKDB)
