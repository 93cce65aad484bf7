"""The suites: what is expected of the marts, as data.

Belongs here: reading `suites/<topic>.yaml` and refusing what is not well formed. Does not belong here:
evaluating.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from warehouse.yaml_file import read_yaml

# Part of every suite's version: raised when the evidence that an expectation leaves changes its form.
_EVIDENCE_FORMAT = 2

SUITES_DIR = Path(__file__).resolve().parent / "suites"

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Relation = Annotated[str, Field(pattern=r"^(staging|intermediate|marts|seeds)\.[a-z][a-z0-9_]*$")]
Sentence = Annotated[str, Field(min_length=20)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Explanation(_Strict):
    """A finding that is known to be right: rows that equal `match` are left out, for the `reason` given."""

    match: dict[str, str | int | float | None] = Field(min_length=1)
    reason: Sentence


class Expectation(_Strict):
    """One expectation: a query that yields a frame, and what Great Expectations is to find in it.

    `tables` are what it is about: if it fails, figures made from them are withheld. `also_reads` are looked
    at, not accused. `metrics` narrows that to the metrics it is about, where its tables hold figures of others too.
    `expect` and `kwargs` are a Great Expectations type and its arguments.
    """

    id: Identifier
    description: Sentence
    severity: Literal["blocking", "warning"]
    tables: tuple[Relation, ...] = Field(min_length=1)
    also_reads: tuple[Relation, ...] = ()
    metrics: tuple[Identifier, ...] = ()
    query: str
    expect: Annotated[str, Field(pattern=r"^expect_[a-z_]+$")]
    kwargs: dict[str, Any] = Field(default_factory=dict)
    remedy: Sentence
    explained: tuple[Explanation, ...] = ()


class Suite(_Strict):
    """Expectations on one topic. `suite` is the file's name."""

    suite: Identifier
    description: Sentence
    expectations: tuple[Expectation, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Suite:
        ids = [expectation.id for expectation in self.expectations]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"expectation ids stand twice: {', '.join(twice)}")
        return self

    @property
    def version(self) -> str:
        """Hash of all that decides what the suite finds: its content and the library that evaluates it."""
        content = {
            "suite": self.model_dump(mode="json"),
            "engine": installed_version("great-expectations"),
            "evidence": _EVIDENCE_FORMAT,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[
            :16
        ]

    def check_id(self, expectation: Expectation) -> str:
        """`<suite>.<expectation>`, unique over all suites."""
        return f"{self.suite}.{expectation.id}"


def load_suites(folder: Path = SUITES_DIR) -> tuple[Suite, ...]:
    """Read every suite, in order of name. Errors: ValueError naming the file and what is wrong in it."""
    suites: list[Suite] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            suite = Suite.model_validate(read_yaml(path))
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from error
        if suite.suite != path.stem:
            raise ValueError(f"{path.name}: the suite calls itself {suite.suite!r}")
        suites.append(suite)
    return tuple(suites)
