"""Credentials: from the environment alone, and never in anything that is written or said.

Belongs here: reading the variables an entry names, and taking their values out of text. Does not belong here: using
them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from yarl import URL

from ingestion.pull.errors import PullError


class Credentials:
    """Values of the variables that a source names."""

    def __init__(self, variables: Mapping[str, str], environment: Mapping[str, str]) -> None:
        missing = sorted(name for name in variables.values() if not environment.get(name))
        if missing:
            raise PullError(
                f"set {', '.join(missing)} in the environment: the entry takes credentials from there"
            )
        self._values = {name: environment[variable] for name, variable in variables.items()}
        self._variables = dict(variables)

    def get(self, name: str) -> str | None:
        """The value of one credential; None when the entry names no variable for it."""
        return self._values.get(name)

    def redacted(self, text: str) -> str:
        """The text with the name of its variable in place of every value, however a URL or header writes it."""
        # A value may hold another: the longest first.
        for name, value in sorted(self._values.items(), key=lambda item: -len(item[1])):
            for written in self._writings(value):
                text = text.replace(written, f"${self._variables[name]}")
        return text

    @staticmethod
    def _writings(value: str) -> Iterable[str]:
        in_url = URL("").with_query({"v": value}).raw_query_string.removeprefix("v=")
        in_header = base64.b64encode(value.encode()).decode()
        return dict.fromkeys(
            (
                value,
                in_url,
                quote(value),
                quote(value, safe=""),
                quote_plus(value),
                repr(value)[1:-1],
                in_header,
            )
        )
