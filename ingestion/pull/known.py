"""What is known of a sender's files: which version of each has landed, and when a server wants to be asked again.

Belongs here: one small record a sender, in the home. Does not belong here: anything that figures rest on.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from ingestion.pull.part import Mark
from warehouse.files import replace_file
from warehouse.paths import Home


@dataclass
class Known:
    """`marks` by URI of the file; `not_before` by URI of the source, in seconds since 1970."""

    marks: dict[str, Mark] = field(default_factory=dict)
    not_before: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, home: Home, sender: str) -> Known:
        """The record of a sender; an empty one when there is none, or none that can be read."""
        try:
            values = json.loads((home.pulls / f"{sender}.json").read_bytes())
            marks = {uri: Mark(**mark) for uri, mark in values["marks"].items()}
            return cls(marks, dict(values["not_before"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            # Without it files are fetched once more, and landing knows their content.
            return cls()

    def write(self, home: Home, sender: str) -> None:
        """Keep the record."""
        values = {
            "marks": {uri: asdict(mark) for uri, mark in sorted(self.marks.items())},
            "not_before": dict(sorted(self.not_before.items())),
        }
        replace_file(home.pulls / f"{sender}.json", json.dumps(values, ensure_ascii=False, indent=1).encode())
