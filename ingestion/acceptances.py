"""Acceptances: suspicious deliveries that a person decided to use, each with reason, author and date.

Belongs here: the form of an entry, reading and writing it. Does not belong here: what is suspicious (`suspicion`).

One file a delivery, to be kept under version control like the corrections: in `ingestion/acceptances/` of the project,
or in the folder that QAMTU_ACCEPTANCES names, where the project itself is installed and not checked out.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from warehouse.files import replace_file
from warehouse.yaml_file import read_yaml

VARIABLE = "QAMTU_ACCEPTANCES"
_OF_PROJECT = Path(__file__).parent / "acceptances"


class Acceptance(BaseModel):
    """One delivery that may be used: which bytes, what was suspicious about it, why it is right all the same.

    `found` are the keys of what was suspicious when it was accepted. What comes to be suspicious about the delivery
    later, beside another one before it, is not covered.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    extract_id: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    file_name: str
    found: tuple[str, ...] = Field(min_length=1)
    reason: str = Field(min_length=10)
    author: str = Field(min_length=2)
    date: dt.date

    def covers(self, sha256: str, found: Collection[str]) -> bool:
        """Whether it was given for these bytes, and for all that is suspicious about them now."""
        return self.sha256 == sha256 and set(found) <= set(self.found)


def acceptances_folder() -> Path:
    """Where acceptances are kept."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else _OF_PROJECT


def load_acceptances(folder: Path | None = None) -> dict[str, Acceptance]:
    """All acceptances by the id of their delivery; raises ValueError naming the file that is not well formed."""
    found = {}
    for path in sorted((folder or acceptances_folder()).glob("*.yaml")):
        try:
            entry = Acceptance.model_validate(read_yaml(path))
        except ValidationError as error:
            raise ValueError(f"{path}: {error}") from error
        if path.stem != entry.extract_id:
            raise ValueError(f"{path}: the entry is for {entry.extract_id}; name the file after it")
        found[entry.extract_id] = entry
    return found


def write_acceptance(entry: Acceptance, folder: Path | None = None) -> Path:
    """Write one acceptance, in place of an earlier one for the same delivery; returns its file."""
    path = (folder or acceptances_folder()) / f"{entry.extract_id}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    values = entry.model_dump(mode="json")
    text = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=110)
    replace_file(path, text.encode())
    return path
