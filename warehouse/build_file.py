"""The build file, read where its home lies now.

Belongs here: what a connection must know before views of the build can be read. Does not belong here: what is read.
"""

from __future__ import annotations

import duckdb

from warehouse.paths import Home
from warehouse.sql import literal


def see_lake(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Tell a connection where the lake lies: to views of the build `~` is the lake.

    So no path of this machine stands in the build file, and a home that was copied or moved is as good as before. (A
    relative path with DuckDB's `file_search_path` would be looked for in the working directory first.)
    """
    connection.execute(f"set home_directory = {literal(home.lake)}")
