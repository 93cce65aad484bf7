"""Dagster's SQLite event log with its connections kept open.

The stock one builds a new SQLAlchemy engine for every event, about ten milliseconds each, which for hundreds of
checks takes longer than dbt itself. Files and schema stay the same: either class can open what the other wrote.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as db
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import StaticPool

_BUSY_TIMEOUT_SECONDS = 60
_MOST_OPEN = 32


def _wait_for_no_disk(connection: Any, _record: Any) -> None:
    """Under write-ahead logging this keeps the file whole after a crash; only a power cut can lose the last events."""
    connection.execute("PRAGMA synchronous=NORMAL")


class KeptSqliteEventLogStorage(SqliteEventLogStorage):
    """One connection a database file, kept while the process lasts; used by one thread at a time."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, db.Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "KeptSqliteEventLogStorage":
        """Called by Dagster with the settings of `dagster.yaml`."""
        return cls(inst_data=inst_data, **config_value)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; asked for every check, so a yes is kept."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> db.Engine:
        if shard not in self._engines:
            while len(self._engines) >= _MOST_OPEN:
                self._engines.pop(next(iter(self._engines))).dispose()
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            db.event.listen(engine, "connect", _wait_for_no_disk)
            self._engines[shard] = engine
        engine = self._engines[shard]
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        return engine

    def dispose(self) -> None:
        """Close every connection."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()
