"""What is measured: a national filing, one more quarter, the sample country. Each gives a part of the report.

Belongs here: preparing homes, the order of runs, and comparing what they computed. Does not belong here: how a
run is timed (`measure`) or judged (`report`).

A home keeps its path through all repetitions, and is put back from a copy before each: dbt ties its parse to
the place, and a home that moved would pay for it again.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import filings
from benchmarks.measure import Timing, read_through, run_measured
from benchmarks.report import Measured, Report, memory, ratio
from warehouse.files import remove_tree
from warehouse.paths import PROJECT_DIR, Home

PUBLISHED = (0, 3)
"""Exit codes of `qamtu run` that leave a release; 3 says that some metrics lack an extract, as here they do."""

Coverage = dict[tuple[str, str], tuple[int, int, int]]
"""By KATO and technology: settlements covered, population covered, households passed."""


class Mismatch(Exception):
    """Two ways to the same figures disagree: times of different answers are not compared."""


@dataclass(frozen=True)
class Bench:
    """Where to work, how often to repeat, and where to say what is going on."""

    work: Path
    repetitions: int
    say: Callable[[str], None]

    @property
    def home(self) -> Home:
        """The home that is measured; always at this place."""
        return Home(self.work / "home")

    def run(self, name: str, arguments: Sequence[str]) -> Timing:
        """One `qamtu run` in a fresh interpreter on the home."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("QAMTU_", "DAGSTER_"))}
        command = [str(Path(sys.executable).with_name("qamtu")), "run", "--json", *arguments]
        environment = kept | {"QAMTU_HOME": str(self.home.root)}
        return self._told(name, self._measured(name, command, environment, PUBLISHED))

    def floor(self, name: str, filing: Path, settlements: Path) -> Timing:
        """One floor in a fresh interpreter."""
        folder = self.work / f"floor_{name}"
        shutil.rmtree(folder, ignore_errors=True)
        places = [str(filing), str(settlements), str(folder)]
        command = [sys.executable, "-m", "benchmarks.floors", name, *places]
        return self._told(f"{name} floor", self._measured(name, command, dict(os.environ), (0,)))

    def dbt_build(self) -> Timing:
        """dbt alone over the home's lake, into a build file of its own: models, seeds and data tests.

        Unit tests prove code and are no part of a run, so they are left out here too; and dbt logs no more than in
        a run, which would otherwise flatter the run.
        """
        return self._dbt(_fresh(self.work / "dbt_alone"), "build", "--exclude-resource-type", "unit_test")

    def dbt_run(self, select: str) -> tuple[Timing, Mapping[str, float]]:
        """Some models built again by dbt alone, over the home's lake and a copy of its build file.

        Returns:
            The whole process, and seconds by model, as dbt counts them.
        """
        folder = _fresh(self.work / "dbt_models")
        shutil.copy(self.home.build_file, folder / "candidate.duckdb")
        timing = self._dbt(folder, "run", "--select", select)
        results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
        return timing, {one["unique_id"].rsplit(".", 1)[1]: one["execution_time"] for one in results}

    def _dbt(self, folder: Path, verb: str, *options: str) -> Timing:
        project = str(PROJECT_DIR / "dbt_project")
        command = [
            str(Path(sys.executable).with_name("dbt")), "--log-level", "error", "--log-level-file", "info",
            verb, *options, "--project-dir", project, "--profiles-dir", project,
            "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"),
        ]  # fmt: skip
        places = {"QAMTU_LAKE": str(self.home.lake), "QAMTU_BUILD_FILE": str(folder / "candidate.duckdb")}
        name = f"dbt_{verb}"
        return self._told(name.replace("_", " "), self._measured(name, command, os.environ | places, (0,)))

    def timed(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], expected: Sequence[int]
    ) -> Timing:
        """Any command in a fresh process."""
        return self._told(name, self._measured(name, command, environment, expected))

    def way(self, name: str, *arguments: Path | int) -> Timing:
        """One way to figures from shapes (`benchmarks.ways`) in a fresh interpreter."""
        command = [sys.executable, "-m", "benchmarks.ways", name, *map(str, arguments)]
        return self._told(name, self._measured(name, command, dict(os.environ), (0,)))

    def question(self) -> Timing:
        """An analyst's question to the current release and to plain Parquet (`benchmarks.questions`)."""
        folder = _fresh(self.work / "question")
        command = [sys.executable, "-m", "benchmarks.questions", str(self.home.current), str(folder)]
        return self._told("question", self._measured("question", command, dict(os.environ), (0,)))

    def peer(
        self, name: str, filing: Path, settlements: Path, python: Path, variables: Mapping[str, str]
    ) -> Timing:
        """One peer (`benchmarks.peers`) in its own environment; `settlements` is CSV, `variables` its server's."""
        folder = self.work / f"peer_{name}"
        shutil.rmtree(folder, ignore_errors=True)
        command = [str(python), "-m", "benchmarks.peers", name, str(filing), str(settlements), str(folder)]
        try:
            return self._told(name, self._measured(name, command, os.environ | variables, (0,)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, name: str) -> None:
        """Keep a copy of the home under a name."""
        _replace(self.home.root, self.work / f"home_{name}")

    def restore(self, name: str) -> None:
        """Put the home back as it was kept."""
        _replace(self.work / f"home_{name}", self.home.root)

    def clear(self) -> None:
        """Begin with no home."""
        if self.home.root.exists():
            remove_tree(self.home.root)

    def _measured(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], expected: Sequence[int]
    ) -> Timing:
        log = self.work / "logs" / f"{name.replace(' ', '_')}.log"
        return run_measured(command, log, environment=environment, cwd=PROJECT_DIR, expected=expected)

    def _told(self, name: str, timing: Timing) -> Timing:
        self.say(
            f"{name}: {timing.seconds:.2f} s, {timing.cpu_seconds:.2f} s CPU, {timing.peak_bytes / 2**30:.2f} GiB"
        )
        return timing


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _replace(source: Path, target: Path) -> None:
    if target.exists():
        remove_tree(target)
    shutil.copytree(source, target, symlinks=True)


def national_filing(bench: Bench, rows: int) -> Report:
    """A national filing by address into a home that knows places and people, against both floors.

    Raises:
        Mismatch: floor and release do not say the same.
    """
    bench.say(f"generating a filing of {rows:,} rows")
    files = filings.national(bench.work, rows)
    settlements = prepare_reference(bench, files.reference_inbox)
    bare, checked, runs, repeats = [], [], [], []
    read_through(files.filing)
    for _ in range(bench.repetitions):
        bare.append(bench.floor("bare", files.filing, settlements))
        checked.append(bench.floor("checked", files.filing, settlements))
        bench.restore("reference")
        runs.append(bench.run("national", ["--inbox", str(files.inbox)]))
        compare(bench.home, json.loads(bare[-1].output), json.loads(checked[-1].output))
        repeats.append(bench.run("nothing new", ["--inbox", str(files.inbox)]))
    size = files.filing.stat().st_size / 1e9
    label = f"{rows:,} rows by address, {size:.2f} GB"
    floor_bare = Measured(f"bare floor: {label}", bare)
    floor_checked = Measured(f"checked floor: {label}", checked)
    run = Measured(f"`qamtu run`: {label}", runs)
    repeat = Measured("`qamtu run` with nothing new", repeats)
    return Report(
        measured=[floor_bare, floor_checked, run, repeat],
        judged=[
            ratio("`qamtu run` of a national filing / checked floor", run, floor_checked, 1.5, 1.2),
            ratio("`qamtu run` of a national filing / bare floor", run, floor_bare, 3, 2),
            memory("peak memory of `qamtu run` of a national filing", run, 4),
        ],
        stages={"national filing": stages(run), "nothing new": stages(repeat)},
        remarks=[
            "Both floors and the release gave the same coverage by nation, region and technology; the checked floor "
            "and the lake the same account of rows and reasons."
        ],
    )


def new_quarter(bench: Bench, history: int) -> Report:
    """One quarter of every operator's filings, added to a warehouse of one quarter and to one of `history`."""
    files = filings.national(bench.work, filings.QUARTER_ADDRESSES)
    prepare_reference(bench, files.reference_inbox)
    inboxes = {count: bench.work / f"inbox_{count}" for count in (1, history)}
    for count, inbox in inboxes.items():
        bench.say(f"building a warehouse of {count}")
        fill(bench, inbox, count)
        bench.restore("reference")
        bench.run(f"warehouse of {count}", ["--inbox", str(inbox)])
        bench.keep(f"of_{count}")
    timings: dict[int, list[Timing]] = {1: [], history: []}
    for _ in range(bench.repetitions):
        for count, inbox in inboxes.items():
            fill(bench, inbox, count)
            bench.restore(f"of_{count}")
            # A copied home is hashed anew, every file of it, which no home that stays in its place ever is.
            bench.run(f"settling {count}", ["--inbox", str(inbox)])
            filings.write_quarter(bench.work, inbox, *filings.NEW_QUARTER)
            timings[count].append(bench.run(f"quarter into {count}", ["--inbox", str(inbox)]))
            _expect_quarters(bench.home, count + 1)
    into_one = Measured("one quarter into a warehouse of 1", timings[1])
    into_many = Measured(f"one quarter into a warehouse of {history}", timings[history])
    question = f"one quarter into a warehouse of {history} / into a warehouse of 1"
    return Report(
        measured=[into_one, into_many],
        judged=[ratio(question, into_many, into_one, 1.2)],
        stages={f"quarter into {count}": stages(m) for count, m in ((1, into_one), (history, into_many))},
    )


def fill(bench: Bench, inbox: Path, count: int) -> None:
    """Leave the filings of the `count` quarters before the new one in an inbox, and nothing else."""
    shutil.rmtree(inbox, ignore_errors=True)
    for year, quarter in filings.quarters_before(count):
        filings.write_quarter(bench.work, inbox, year, quarter)


def sample(bench: Bench) -> Report:
    """`make run` after set-up, on no home at all, against dbt alone over the lake that it filled."""
    runs, builds = [], []
    for _ in range(bench.repetitions):
        bench.clear()
        runs.append(bench.run("sample", ["--sample"]))
        builds.append(bench.dbt_build())
    run = Measured("`qamtu run --sample`, no home before", runs)
    build = Measured("its `dbt build` alone", builds)
    return Report(
        measured=[run, build],
        judged=[ratio("`make run` after set-up / its own `dbt build`", run, build, 3)],
        stages={"sample": stages(run)},
    )


def prepare_reference(bench: Bench, inbox: Path) -> Path:
    """Build a home that knows places and people, keep it as `reference`, and write its settlements for the floors.

    Returns:
        Parquet with settlement_kato, region_kato, population and is_inhabited.
    """
    bench.clear()
    bench.run("reference", ["--inbox", str(inbox)])
    bench.keep("reference")
    settlements = bench.work / "settlements.parquet"
    with _built(bench.home) as release:
        release.execute(
            f"""
            copy (
                select
                    settlement_kato,
                    region_kato,
                    case when is_city_district then 0 else population end as population,
                    coalesce(population > 0, is_programme or not is_rural) as is_inhabited
                from marts.dim_settlement
            ) to '{settlements}'
            """
        )
    return settlements


def compare(home: Home, bare: Mapping[str, Any], checked: Mapping[str, Any]) -> None:
    """Raise Mismatch unless the release says what both floors say, and the lake accounts for rows as the floor does."""
    with _built(home) as release:
        published = release.execute(
            """
            select kato, technology, settlements_covered, population_covered, households_passed
            from marts.fct_coverage_by_technology
            where
                as_of_date = ?
                and area_type = 'all'
                and geography_level in ('national', 'region')
                and households_passed > 0
            """,
            [filings.PERIOD],
        ).fetchall()
    expected: Coverage = {(kato, technology): (s, p, h) for kato, technology, s, p, h in published}
    for name, answer in (("bare", bare), ("checked", checked)):
        if difference := differing(expected, coverage_of(answer)):
            raise Mismatch(f"release and {name} floor disagree: {difference}")
    rows, reasons = _row_account(home)
    if (rows, reasons) != (checked["account"], checked["reasons"]):
        floor = f"{checked['account']}, {checked['reasons']}"
        raise Mismatch(f"the lake accounts for {rows}, {reasons}; the checked floor for {floor}")


def coverage_of(answer: Mapping[str, Any]) -> Coverage:
    """The coverage table that a floor printed."""
    return {
        (row["kato"], row["technology"]): (
            row["settlements_covered"],
            row["population_covered"],
            row["households_passed"],
        )
        for row in answer["coverage"]
    }


def differing(one: Coverage, other: Coverage) -> str:
    """The first cell in which two tables differ, in words; empty when there is none, and told when both are empty."""
    if not one and not other:
        return "both are empty"
    for key in sorted(one.keys() | other.keys()):
        if one.get(key) != other.get(key):
            return f"{' '.join(key)}: {one.get(key)} and {other.get(key)}"
    return ""


def stages(measured: Measured) -> Mapping[str, float]:
    """Seconds by stage, as the run nearest the median told them."""
    nearest = min(measured.timings, key=lambda timing: abs(timing.seconds - measured.seconds))
    told: Mapping[str, float] = json.loads(nearest.output).get("seconds", {})
    return {**told, "start and end of the process": max(0.0, nearest.seconds - sum(told.values()))}


def _row_account(home: Home) -> tuple[dict[str, int], dict[str, int]]:
    """Rows of the national filing by what became of them, and quarantine reasons by rule, from the lake."""
    meta = home.lake / "meta"
    columns = ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate")
    with duckdb.connect() as connection:
        current = f"""
            from read_parquet('{meta}/extract.parquet') as extracts
            inner join read_parquet('{meta}/%s.parquet') as counts using (extract_id)
            where extracts.extract_kind = 'operator_address_availability' and extracts.is_current
        """
        rows = connection.execute(f"select {', '.join(columns)} {current % 'row_account'}").fetchall()
        if len(rows) != 1:
            raise Mismatch(f"the lake holds {len(rows)} current filings by address, not one")
        account = dict(zip(columns, rows[0], strict=True))
        rules = connection.execute(
            f"select counts.rule, cast(sum(row_count) as bigint) {current % 'quarantine_reason'} group by all"
        ).fetchall()
    return account, dict(rules)


def _expect_quarters(home: Home, count: int) -> None:
    with _built(home) as release:
        found = release.execute("select count(distinct as_of_date) from marts.fct_availability").fetchone()
    if found != (count,):
        raise Mismatch(f"the release should hold {count} quarters, not {found}")


def _built(home: Home) -> duckdb.DuckDBPyConnection:
    # The build, not the release: thirty million addresses are more households than the country has, and the gate
    # rightly withholds what is computed from them.
    return duckdb.connect(str(home.build_file), read_only=True)
