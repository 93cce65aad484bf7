"""Dagster's SQLite event log with its connections kept open.

The stock one builds a new SQLAlchemy engine for every event and asks for the columns of its own tables at each, about
ten milliseconds, which for hundreds of checks takes longer than dbt itself. Files and schema stay the same: either
class can open what the other wrote.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg
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
        self._connections: dict[str, db.Connection] = {}
        self._known: set[str] = set()
        self._batch: ExitStack | None = None
        super().__init__(base_dir, inst_data)
        self._db_lock = threading.RLock()  # type: ignore[assignment]  # a batch holds it around each event

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "KeptSqliteEventLogStorage":
        """Called by Dagster with the settings of `dagster.yaml`."""
        return cls(inst_data=inst_data, **config_value)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; asked for every check, so a yes is kept."""
        if table_name not in self._known and super().has_table(table_name):
            self._known.add(table_name)
        return table_name in self._known

    def _has_asset_key_col_on_connection(self, conn: db.Connection, column_name: str) -> bool:
        name = f"asset_keys.{column_name}"
        if name not in self._known and super()._has_asset_key_col_on_connection(conn, column_name):
            self._known.add(name)
        return name in self._known

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events in one transaction a database file: all of them or, with an error, none."""
        with self._db_lock, ExitStack() as self._batch:
            try:
                for event in events:
                    self.store_event(event)
            finally:
                self._batch = None

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock:
            connection = self._connection(shard)
            if self._batch is None:
                with connection.begin():
                    yield connection
            else:
                if not connection.in_transaction():
                    self._batch.enter_context(connection.begin())
                yield connection

    def _connection(self, shard: str) -> db.Connection:
        if shard not in self._connections:
            while len(self._connections) >= _MOST_OPEN:
                self._close(next(iter(self._connections)))
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            db.event.listen(engine, "connect", _wait_for_no_disk)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._connections[shard] = engine.connect()
        return self._connections[shard]

    def _close(self, shard: str) -> None:
        connection = self._connections.pop(shard)
        connection.close()
        connection.engine.dispose()

    def dispose(self) -> None:
        """Close every connection."""
        for shard in list(self._connections):
            self._close(shard)
        super().dispose()
