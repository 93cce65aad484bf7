"""What becomes of a file that not exactly one layout takes: it is ignored, unmatched or ambiguous, and always told.

Belongs here: the list of files that are no deliveries, and the words of such an outcome. Does not belong here:
matching names to layouts (`layout`), or recording outcomes (`pipeline`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, field_validator

from ingestion.layout import Layout, nearest
from warehouse.yaml_file import read_yaml

IGNORED_FILES = Path(__file__).with_name("ignored_files.yaml")


class Ignored(BaseModel):
    """Names of files that are no deliveries, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: re.Pattern[str]
    reason: str

    @field_validator("pattern", mode="before")
    @classmethod
    def _in_any_case(cls, pattern: str) -> re.Pattern[str]:
        return re.compile(pattern, re.IGNORECASE)


@cache
def load_ignored(path: Path = IGNORED_FILES) -> tuple[Ignored, ...]:
    """The list, in its order; raises pydantic's ValidationError or `re.error` for a malformed entry."""
    return tuple(Ignored.model_validate(entry) for entry in read_yaml(path))


def why_ignored(file_name: str) -> str | None:
    """Why a file that no layout takes is no delivery; None when it may be one."""
    name = PurePosixPath(file_name).name
    return next((entry.reason for entry in load_ignored() if entry.pattern.fullmatch(name)), None)


def unread(file_name: str, matches: Sequence[Layout], layouts: Mapping[str, Layout]) -> tuple[str, str, str]:
    """Outcome, rule and what was found, for a file that none or several layouts take.

    Args:
        file_name: path inside the inbox.
        matches: the layouts that take it; not exactly one.
        layouts: all layouts by id, of which the nearest are named.
    """
    if matches:
        names = ", ".join(layout.layout_id for layout in matches)
        return "ambiguous", "ambiguous_layout", f"{file_name} matches {names}"
    reason = why_ignored(file_name)
    if reason is not None:
        return "ignored", "no_delivery", f"{file_name} is ignored: {reason}"
    near = ", ".join(nearest(file_name, layouts))
    return "unmatched", "unmatched", f"{file_name} matches no layout; nearest: {near}"
