"""The audit: carries every check out on the candidate and writes what it found into the ledger.

Belongs here: turning dbt's run results and the suites into evidence. Does not belong here: deciding what is
published. What the ledger already proves for exactly this content and version is not found out again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from expectations.checks import Check, all_checks, check_fingerprint, outcomes
from expectations.engine import SHOWN_ROWS, Engine, Finding, rows_as_json, rows_in_words
from expectations.ledger import ERROR, FAIL, PASS, WARN, Evidence, append, read_ledger
from expectations.suite import Expectation, Suite, load_suites
from warehouse.build_file import see_lake
from warehouse.candidate import Manifest, read_manifest
from warehouse.fingerprint import ABSENT, CandidateFingerprint, fingerprint_candidate
from warehouse.paths import Home
from warehouse.sql import quoted
from warehouse.verdicts import CheckOutcome

if TYPE_CHECKING:
    import pandas as pd

_DBT_STATUS = {"success": PASS, "pass": PASS, "no-op": PASS, "fail": FAIL, "warn": WARN}


@dataclass(frozen=True)
class AuditReport:
    """What is now known of every check on the candidate.

    `evaluated` and `reused` count expectations; `recorded` counts rows added to the ledger; `damaged` names
    ledger files that could not be read. `notes` says what a person should know.
    """

    candidate_fingerprint: str
    outcomes: tuple[CheckOutcome, ...]
    evaluated: int
    reused: int
    recorded: int
    damaged: tuple[str, ...]
    notes: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Number of checks by status, every status that occurs."""
        return dict(sorted(Counter(outcome.status for outcome in self.outcomes).items()))

    @property
    def not_passed(self) -> tuple[CheckOutcome, ...]:
        """Checks without proof that they hold."""
        return tuple(outcome for outcome in self.outcomes if not outcome.passed)


def run_audit(
    home: Home, suites: Iterable[Suite] | None = None, progress: Callable[[str], None] | None = None
) -> AuditReport:
    """Audit the candidate in `home`: read dbt's results, evaluate the suites, record the evidence.

    Run it right after dbt. Errors: FileNotFoundError when nothing was built.
    """
    say = progress or (lambda _: None)
    loaded = load_suites() if suites is None else tuple(suites)
    manifest = read_manifest(home.dbt_target / "manifest.json")
    if not home.build_file.exists():
        raise FileNotFoundError(f"{home.build_file}: nothing has been built")
    checks = all_checks(manifest, loaded)
    ledger = read_ledger(home.ledger)
    known = ledger.latest()
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        see_lake(connection, home)
        fingerprints = fingerprint_candidate(home, manifest, connection)
        found, notes = _dbt_evidence(home, manifest, checks, fingerprints, connection)
        expected, reused = _gx_evidence(loaded, checks, fingerprints, known, connection, say)
    new = [row for row in (*found, *expected) if known.get(row.key) != row]
    append(home.ledger, new)
    if ledger.damaged:
        notes.append(f"left out damaged ledger files: {', '.join(ledger.damaged)}")
    found_out = outcomes(manifest, checks, fingerprints, read_ledger(home.ledger))
    report = AuditReport(
        candidate_fingerprint=fingerprints.candidate,
        outcomes=tuple(found_out[check_id] for check_id in sorted(found_out)),
        evaluated=len(expected),
        reused=reused,
        recorded=len(new),
        damaged=ledger.damaged,
        notes=tuple(notes),
    )
    say(f"audit: {', '.join(f'{count} {status}' for status, count in report.counts().items())}")
    return report


def record_dbt_results(
    home: Home,
    manifest: Manifest,
    fingerprints: CandidateFingerprint,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Record what dbt's last run on this candidate says, as the audit would.

    For whoever built it: another run may build before the audit comes, or the audit never come.
    """
    known = read_ledger(home.ledger).latest()
    found, _ = _dbt_evidence(home, manifest, all_checks(manifest, ()), fingerprints, connection)
    append(home.ledger, [row for row in found if known.get(row.key) != row])


def _dbt_evidence(
    home: Home,
    manifest: Manifest,
    checks: Mapping[str, Check],
    fingerprints: CandidateFingerprint,
    connection: duckdb.DuckDBPyConnection,
) -> tuple[list[Evidence], list[str]]:
    """Evidence from dbt's last run, and notes on why there is none.

    The run says which candidate it left, lake included; its results prove nothing about any other.
    """
    path = home.dbt_target / "run_results.json"
    if not path.exists():
        return [], ["dbt left no run_results.json: what the ledger does not prove counts as missing"]
    document = json.loads(path.read_bytes())
    if document.get("candidate") != fingerprints.candidate:
        return [], [
            "the build or the lake changed after dbt's last run: build again to get fresh test results"
        ]
    evidence = []
    for result in document["results"]:
        check = _check_of(result["unique_id"], manifest, checks)
        if check is not None:
            fingerprint = check_fingerprint(check, fingerprints)
            evidence.append(_dbt_row(result, check, manifest, fingerprint, connection, home))
    # A failure on tables that are not there says why they are not; a success would be proof of nothing.
    return [row for row in evidence if row.fingerprint != ABSENT or row.status != PASS], []


def _check_of(unique_id: str, manifest: Manifest, checks: Mapping[str, Check]) -> Check | None:
    if unique_id in checks:
        return checks[unique_id]
    node = manifest.relations.get(unique_id)
    return checks.get(f"build.{node.name}") if node is not None else None


def _dbt_row(
    result: Mapping[str, Any],
    check: Check,
    manifest: Manifest,
    fingerprint: str,
    connection: duckdb.DuckDBPyConnection,
    home: Home,
) -> Evidence:
    status = _DBT_STATUS.get(result["status"], ERROR)
    failing = int(result.get("failures") or 0)
    message = " ".join(str(result.get("message") or "").split()).replace(str(home.root), "<home>")[:300]
    offending = "[]"
    if status in (FAIL, WARN):
        sql = result.get("compiled_code") or ""
        offending = _offending(connection, sql)
        # Rows of staging hold what senders keep internal; what was observed is published, so it only counts.
        message = f"{rows_in_words(failing)} found"
    elif result["status"] == "skipped":
        message = "skipped, because something above it failed"
    elif status == PASS:
        message = ""
    return Evidence(
        check_id=check.check_id,
        kind=check.kind,
        suite_version=check.version,
        tables=tuple(manifest.relations[key].relation for key in check.reads),
        fingerprint=fingerprint,
        status=status,
        blocking=check.blocking,
        observed=message,
        failing_count=failing,
        offending_rows=offending,
    )


def _offending(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Up to 20 rows that a dbt test found, as JSON; none when they cannot be read again."""
    try:
        frame = connection.execute(f"select * from (\n{sql}\n) as found limit {SHOWN_ROWS}").df()
    except duckdb.Error:
        return "[]"
    return rows_as_json(frame)


def _gx_evidence(
    suites: Iterable[Suite],
    checks: Mapping[str, Check],
    fingerprints: CandidateFingerprint,
    known: Mapping[tuple[str, str, str], Evidence],
    connection: duckdb.DuckDBPyConnection,
    say: Callable[[str], None],
) -> tuple[list[Evidence], int]:
    """Evidence from expectations that the ledger has none for, and how many it has."""
    waiting: list[tuple[Expectation, Check, str]] = []
    reused = 0
    for suite in suites:
        for expectation in suite.expectations:
            check = checks[suite.check_id(expectation)]
            fingerprint = check_fingerprint(check, fingerprints)
            row = known.get((check.check_id, check.version, fingerprint))
            if row is not None and row.status != ERROR:
                reused += 1
            elif fingerprint != ABSENT:
                waiting.append((expectation, check, fingerprint))
    if not waiting:
        return [], reused
    say(f"audit: evaluating {len(waiting)} expectations")
    engine = Engine()
    frames = _LastFrame(connection, columns_read(expectation for expectation, _, _ in waiting))
    return [_evaluate(*item, engine, frames) for item in waiting], reused


def columns_read(expectations: Iterable[Expectation]) -> dict[str, tuple[str, ...]]:
    """By query, the columns that its expectations and their explanations look at; empty when it may be any of them.

    Most are about one column of many: to fetch the others of millions of rows takes longer than to look at it.
    """
    found: dict[str, set[str]] = {}
    of_any = set()
    for expectation in expectations:
        named = found.setdefault(expectation.query, set())
        if (
            not expectation.expect.startswith("expect_column_values_")
            or "row_condition" in expectation.kwargs
        ):
            of_any.add(expectation.query)
        else:
            named.add(expectation.kwargs["column"])
            named.update(column for explanation in expectation.explained for column in explanation.match)
    return {query: () if query in of_any else tuple(sorted(named)) for query, named in found.items()}


class _LastFrame:
    """The frame of the query asked for last: neighbours in a suite share it, and no more than one is in memory."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, columns: Mapping[str, tuple[str, ...]]) -> None:
        self._connection = connection
        self._columns = columns
        self._query = ""
        self._frame: pd.DataFrame | None = None

    def of(self, query: str) -> pd.DataFrame:
        """The columns that its expectations look at."""
        if self._frame is None or query != self._query:
            self._frame = None
            columns = ", ".join(f"found.{quoted(column)}" for column in self._columns[query])
            narrow = f"select {columns} from (\n{query}\n) as found" if columns else query
            self._frame = self._connection.execute(narrow).df()
            self._query = query
        return self._frame

    def whole(self, query: str) -> pd.DataFrame:
        """All columns."""
        return self._connection.execute(query).df() if self._columns[query] else self.of(query)


def _evaluate(
    expectation: Expectation,
    check: Check,
    fingerprint: str,
    engine: Engine,
    frames: _LastFrame,
) -> Evidence:
    try:
        frame, left_out = without_explained(frames.of(expectation.query), expectation)
        finding = engine.evaluate(
            frame,
            expectation.expect,
            expectation.kwargs,
            lambda: without_explained(frames.whole(expectation.query), expectation)[0],
        )
        status = PASS if finding.success else FAIL if check.blocking else WARN
        if left_out:
            finding = Finding(
                finding.success,
                f"{finding.observed}; {rows_in_words(left_out)} left out as explained",
                finding.failing_count,
                finding.offending_rows,
            )
    except (duckdb.Error, ValueError, KeyError) as error:
        finding, status = Finding(False, " ".join(str(error).split())[:500], 0, "[]"), ERROR
    return Evidence(
        check_id=check.check_id,
        kind=check.kind,
        suite_version=check.version,
        tables=(*expectation.tables, *expectation.also_reads),
        fingerprint=fingerprint,
        status=status,
        blocking=check.blocking,
        observed=finding.observed,
        failing_count=finding.failing_count,
        offending_rows=finding.offending_rows,
    )


def without_explained(frame: pd.DataFrame, expectation: Expectation) -> tuple[pd.DataFrame, int]:
    """The frame without rows that an explanation covers, and how many those are.

    Errors: KeyError when an explanation names a column that the query does not give.
    """
    explained = [False] * len(frame)
    for explanation in expectation.explained:
        matches = [True] * len(frame)
        for column, value in explanation.match.items():
            texts = [_as_text(item) for item in frame[column]]
            wanted = _as_text(value)
            matches = [so_far and text == wanted for so_far, text in zip(matches, texts, strict=True)]
        explained = [one or other for one, other in zip(explained, matches, strict=True)]
    kept = frame[[not done for done in explained]].reset_index(drop=True) if any(explained) else frame
    return kept, sum(explained)


def _as_text(value: object) -> str | None:
    """A value as an explanation writes it: a date without its midnight."""
    return None if value is None else str(value).removesuffix(" 00:00:00")
