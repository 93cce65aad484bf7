"""From timings to ratios, verdicts and a Markdown table.

Belongs here: arithmetic and layout, pure. Does not belong here: measuring.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.measure import Timing

GIB = 1 << 30
BEGIN, END = "<!-- benchmark:begin -->", "<!-- benchmark:end -->"


@dataclass(frozen=True)
class Measured:
    """What was timed: its name and one or several timings; the median counts, and the highest memory."""

    name: str
    timings: Sequence[Timing]

    @property
    def seconds(self) -> float:
        """Median of the wall-clock seconds."""
        return statistics.median(timing.seconds for timing in self.timings)

    @property
    def cpu_seconds(self) -> float:
        """Median of the seconds of processor time."""
        return statistics.median(timing.cpu_seconds for timing in self.timings)

    @property
    def peak_gib(self) -> float:
        """Highest resident memory of any of the timings, in GiB."""
        return max(timing.peak_bytes for timing in self.timings) / GIB


@dataclass(frozen=True)
class Judged:
    """A value against its limit; `aim` is the stricter value that is wanted. Either is None when there is none.

    unit: "x" for a ratio of two medians, "GiB" for memory, "kB" and "MB" for files.
    """

    question: str
    value: float
    limit: float | None = None
    aim: float | None = None
    unit: str = "x"

    @property
    def is_within(self) -> bool:
        """Whether the limit is kept."""
        return self.limit is None or self.value <= self.limit

    @property
    def verdict(self) -> str:
        """In words: aim reached, within the limit, MISSED, or only told."""
        if self.limit is None:
            return "told"
        if not self.is_within:
            return "**MISSED**"
        if self.aim is None:
            return "within the limit"
        return "aim reached" if self.value <= self.aim else "within the limit, aim not reached"


@dataclass
class Report:
    """Everything one call of the harness found. `stages`: seconds by stage of a named run."""

    measured: list[Measured] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    stages: dict[str, Mapping[str, float]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Take in what another part found."""
        self.measured += other.measured
        self.judged += other.judged
        self.stages |= other.stages
        self.remarks += other.remarks

    @property
    def is_within(self) -> bool:
        """Whether every limit is kept."""
        return all(judged.is_within for judged in self.judged)


def ratio(
    question: str, one: Measured, other: Measured, limit: float | None = None, aim: float | None = None
) -> Judged:
    """How many times as long `one` takes as `other`, by their medians."""
    return Judged(question, one.seconds / other.seconds, limit, aim)


def memory(question: str, measured: Measured, limit_gib: float) -> Judged:
    """Peak memory against a limit in GiB."""
    return Judged(question, measured.peak_gib, limit_gib, unit="GiB")


def markdown(report: Report, header: str) -> str:
    """Tables of verdicts and timings, and a line a run with its stages."""
    lines = [header, "", "| Question | Measured | Limit | Aim | Verdict |", "|---|--:|--:|--:|---|"]
    for judged in report.judged:
        limit, aim = (f"{bound:g}" if bound else "" for bound in (judged.limit, judged.aim))
        value = f"{judged.value:.2f} {judged.unit}"
        lines.append(f"| {judged.question} | {value} | {limit} | {aim} | {judged.verdict} |")
    lines += ["", "| Timed | Median s | All runs, s | CPU s | Peak memory, GiB |", "|---|--:|---|--:|--:|"]
    for measured in report.measured:
        runs = ", ".join(_seconds(timing.seconds) for timing in measured.timings)
        figures = f"{_seconds(measured.seconds)} | {runs} | {_seconds(measured.cpu_seconds)} | {measured.peak_gib:.2f}"
        lines.append(f"| {measured.name} | {figures} |")
    if report.stages:
        lines += ["", "| Run | Stages of its median run, s |", "|---|---|"]
        for name, seconds in report.stages.items():
            told = ", ".join(f"{stage} {value:.1f}" for stage, value in seconds.items())
            lines.append(f"| {name} | {told} |")
    lines += [line for remark in report.remarks for line in ("", remark)]
    return "\n".join(lines) + "\n"


def _seconds(value: float) -> str:
    return f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def spliced(page: str, table: str) -> str:
    """A page with what stands between its two markers replaced. Raises ValueError when it lacks them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table.strip()}\n{END}{after}"
