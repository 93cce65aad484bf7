"""The languages that Qamtu speaks to people.

Belongs here: which they are. Does not belong here: what is said in them (`ingestion/answer/texts`, `report/texts`).
"""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """A language by its ISO 639-1 code, the state language first."""

    kk = "kk"
    ru = "ru"
    en = "en"
