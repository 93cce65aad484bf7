"""Names and texts as they stand in SQL.

Belongs here: quoting. Does not belong here: any query.
"""

from __future__ import annotations


def quoted(identifier: str) -> str:
    """An identifier in quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: object) -> str:
    """A text, or what says itself as one, in quotes."""
    return "'" + str(text).replace("'", "''") + "'"
