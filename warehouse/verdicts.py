"""The judgement on a candidate, as plain data: which figures may be published, and on what proof.

Belongs here: the shapes that the gate hands to a release. Does not belong here: how the gate comes to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

PUBLISHED, WITHHELD = "published", "withheld"


@dataclass(frozen=True)
class CheckOutcome:
    """What is known of one check on this candidate.

    `kind`: `dbt`, `gx`, or `build` (a model was built from exactly these inputs). `severity`: `blocking` or
    `warning`. `status`: `pass`, `fail`, `warn`, `error`, or, where there is no evidence for this very
    content, `stale` (there is for another content or version) or `missing` (there is none). `tables`: what
    the check read. `observed` is published and holds no value; `offending_rows`, a JSON list of up to 20 rows, does,
    and stays in the ledger.
    """

    check_id: str
    kind: str
    severity: str
    status: str
    observed: str
    failing_count: int
    tables: tuple[str, ...]
    suite_version: str
    fingerprint: str
    description: str
    remedy: str
    offending_rows: str = "[]"

    @property
    def passed(self) -> bool:
        """Whether there is proof, for this very content, that the check holds."""
        return self.status == "pass"


@dataclass(frozen=True)
class MetricVerdict:
    """Whether a metric's figures may be published. `checks`: ids of the blocking checks it needs."""

    metric_id: str
    status: str
    withheld_reason: str | None
    checks: tuple[str, ...]


@dataclass(frozen=True)
class TableVerdict:
    """Whether the figures of one table stand, whatever their metrics.

    `checks`: the checks only this table needs.
    """

    table: str
    status: str
    withheld_reason: str | None
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Verdicts(Sequence[MetricVerdict]):
    """The verdict on every metric of one candidate, with the outcome of every check."""

    metrics: tuple[MetricVerdict, ...]
    tables: tuple[TableVerdict, ...]
    checks: tuple[CheckOutcome, ...]
    candidate_fingerprint: str

    @overload
    def __getitem__(self, index: int) -> MetricVerdict: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[MetricVerdict, ...]: ...

    def __getitem__(self, index: int | slice) -> MetricVerdict | tuple[MetricVerdict, ...]:
        return self.metrics[index]

    def __len__(self) -> int:
        return len(self.metrics)

    def __iter__(self) -> Iterator[MetricVerdict]:
        return iter(self.metrics)

    @property
    def published(self) -> tuple[MetricVerdict, ...]:
        """Metrics whose figures stand."""
        return tuple(verdict for verdict in self.metrics if verdict.status == PUBLISHED)

    @property
    def withheld(self) -> tuple[MetricVerdict, ...]:
        """Metrics whose figures are left out."""
        return tuple(verdict for verdict in self.metrics if verdict.status == WITHHELD)
