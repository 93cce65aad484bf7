"""Do the gates fire? The catalogue of defects put into clean filings, and what became of each.

Belongs here: carrying the catalogue out at the door (ingestion alone) and on whole builds, clean countries without a
false alarm, and taking checks away to see defects slip through. Does not belong here: the defects (`gates.yaml`), or
how a slip looks (`injections`).
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any
from unittest.mock import patch

import duckdb
import polars as pl
import yaml

from expectations import gate
from expectations.audit import run_audit
from expectations.engine import Engine
from expectations.gate import judge
from expectations.suite import load_suites
from ingestion import pipeline
from ingestion.contract import load_contracts
from ingestion.faults import ROW_RULES
from ingestion.layout import Layout, load_layouts, matching
from ingestion.pipeline import ingest
from sample_country import generate
from tests.faults.filing_tables import edited
from tests.faults.injections import OF_BYTES, OF_TABLES, head
from tests.unit.small_marts import small_marts
from warehouse.files import remove_tree
from warehouse.lake import Outcome, partition
from warehouse.paths import PROJECT_DIR, Home

CATALOGUE = Path(__file__).with_name("gates.yaml")
SEED = 1
#: Two quarters, so that checks against the filing before have something to look at.
PERIODS = (dt.date(2025, 9, 30), dt.date(2025, 12, 31))
#: Of drawings fewer are enough: the cells of each cost more than all rows of a table.
_ENOUGH_ROWS, _ENOUGH_DRAWINGS = 8, 3
#: What takes rows out without a flag of its own: the way rows are read and told apart, which cannot be left away.
NO_FLAGS = frozenset({"above_first_row", "duplicate", "key_conflict", "merged_number", "wrong_field_count"})
_REFERENCE = ("sample_kato_", "sample_KATO_")


@dataclass(frozen=True, eq=False)
class Defect:
    """One entry of the catalogue. `caught` is one of row, file and check, `by` the rule or check id."""

    name: str
    file: str
    arrives_as: str
    does: tuple[tuple[str, Mapping[str, Any]], ...]
    caught: str
    by: str
    rows: int = 1
    is_whole: bool = False

    @property
    def is_reference(self) -> bool:
        """Whether it is in a filing that says what places there are, so that others must not stand beside it."""
        return PurePosixPath(self.file).name.startswith(_REFERENCE)


@cache
def catalogue() -> tuple[Defect, ...]:
    """Every defect, in the order of the file."""
    found = []
    for entry in yaml.safe_load(CATALOGUE.read_text(encoding="utf-8")):
        ((caught, by),) = entry["caught"].items()
        found.append(
            Defect(
                name=entry["defect"],
                file=entry["file"],
                arrives_as=entry.get("as", entry["file"]),
                does=tuple((name, arguments) for step in entry["does"] for name, arguments in step.items()),
                caught=caught,
                by=by,
                rows=entry.get("rows", 1),
                is_whole=entry.get("whole", False) or caught == "check",
            )
        )
    return tuple(found)


@cache
def row_rules() -> frozenset[str]:
    """Every rule that takes a row out: those of the code, and those that contracts state."""
    stated = {rule.name for contract in load_contracts().values() for rule in contract.row_rules}
    return frozenset({*ROW_RULES, *stated, "duplicate"})


def clean_inbox(folder: Path, seed: int = SEED) -> Path:
    """The filings of a country without faults."""
    generate(folder, seed=seed, faults=False, periods=PERIODS)
    return folder


def layout_of(file: str) -> Layout:
    """The one layout that takes a file."""
    ((layout, _),) = matching(file, load_layouts().values())
    return layout


def injected(defect: Defect, clean: bytes, words: Mapping[str, str]) -> bytes:
    """The filing with the defect in it; `words` stand for what only the country's own names can say."""
    suffix, layout = PurePosixPath(defect.file).suffix, layout_of(defect.file)
    content = clean
    for name, told in defect.does:
        arguments = {key: words.get(str(value), value) for key, value in told.items()}
        if name in OF_BYTES:
            content = OF_BYTES[name](content, **arguments)
        else:
            content = edited(content, suffix, layout, partial(OF_TABLES[name], **arguments))
    if content == clean and defect.arrives_as == defect.file:
        raise AssertionError(f"{defect.name}: the defect changed nothing")
    return content


def words_of(inbox: Path) -> dict[str, str]:
    """A name that two villages of one district bear, as the mobile operator writes places."""
    path = inbox / "sample_bureau/sample_settlement_positions.csv"
    places = pl.read_csv(path, schema_overrides={"kato": pl.String}).filter(pl.col("type") == "village")
    twice = places.group_by("region", "district", "name").len().filter(pl.col("len") > 1).sort(pl.all())
    region, district, name, _ = twice.row(0)
    return {"<region of two>": region, "<district of two>": district, "<name of two>": name}


# --- At the door ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AtTheDoor:
    """What ingestion made of a defect: the rules that fired, and whether every other row came through as it was."""

    defect: Defect
    fired: frozenset[str]
    taken_out: int
    others_untouched: bool
    message: str

    @property
    def is_caught(self) -> bool:
        """The named rule fired, and on the injected rows alone."""
        return (
            self.defect.by in self.fired
            and self.others_untouched
            and (self.defect.caught == "file" or self.taken_out == self.defect.rows)
        )


class Door:
    """A home that knows the clean country's places, and the filings with defects that are brought to it."""

    def __init__(self, folder: Path, inbox: Path) -> None:
        self._inbox, self._folder = inbox, folder
        # A filing about the map changes by what map every other is read.
        self._home, self._home_of_maps = Home(folder / "home"), Home(folder / "maps")
        self._words = words_of(inbox)
        self._few: dict[str, bytes] = {}
        reference = folder / "reference"
        shutil.copytree(inbox / "sample_bureau" / "kato", reference / "sample_bureau" / "kato")
        ingest(self._home, reference)

    def bring(self, defects: Iterable[Defect], tag: str = "all") -> list[AtTheDoor]:
        """Ingest each defect beside the same filing without it."""
        defects = list(defects)
        about_maps = [one for one in defects if one.is_reference]
        others = [one for one in defects if not one.is_reference]
        return [
            *self._bring(self._home, others, tag),
            *self._bring(self._home_of_maps, about_maps, f"{tag}-maps"),
        ]

    def _bring(self, home: Home, defects: Sequence[Defect], tag: str) -> list[AtTheDoor]:
        inbox = self._folder / f"inbox-{tag}"
        places: dict[Defect, tuple[str, str]] = {}
        for number, defect in enumerate(defects):
            clean = self._clean(defect)
            sound = f"{'whole' if defect.is_whole else 'sound'}/{defect.file}"
            bad = f"{number:03d}/{defect.arrives_as}"
            places[defect] = (sound, bad)
            for name, content in ((sound, clean), (bad, injected(defect, clean, self._words))):
                (inbox / name).parent.mkdir(parents=True, exist_ok=True)
                (inbox / name).write_bytes(content)
        outcomes = {one.file_name: one for one in ingest(home, inbox).extracts}
        return [_judged(home, defect, *(outcomes[name] for name in places[defect])) for defect in defects]

    def _clean(self, defect: Defect) -> bytes:
        """The filing without the defect: its first rows where they are enough."""
        content = (self._inbox / defect.file).read_bytes()
        if defect.is_whole:
            return content
        if defect.file not in self._few:
            suffix, layout = PurePosixPath(defect.file).suffix, layout_of(defect.file)
            count = _ENOUGH_DRAWINGS if layout.format == "features" else _ENOUGH_ROWS
            self._few[defect.file] = edited(content, suffix, layout, partial(head, count=count))
        return self._few[defect.file]


def _judged(home: Home, defect: Defect, sound: Outcome, bad: Outcome) -> AtTheDoor:
    fired = {rule for rule, *_ in bad.quarantine_reasons}
    fired |= {"duplicate"} if bad.rows_duplicate else set()
    fired |= {bad.rule} if bad.rule else set()
    good, left = _accepted(home, sound), _accepted(home, bad)
    untouched = not left - good and sum((good - left).values()) <= defect.rows
    if defect.caught == "file":
        untouched = not left
    return AtTheDoor(
        defect,
        frozenset(fired),
        bad.rows_quarantined + bad.rows_duplicate,
        untouched,
        str(bad.message),
    )


def _accepted(home: Home, outcome: Outcome) -> Counter[tuple[Any, ...]]:
    folder = partition(home, "accepted", str(outcome.extract_kind), outcome.extract_id)
    files = sorted(folder.glob("part-*.parquet"))
    if not files:
        return Counter()
    rows = pl.read_parquet(files, hive_partitioning=False)
    return Counter(rows.drop("extract_id", "source_sheet", "source_row").iter_rows())


@contextmanager
def without_rule(rule: str) -> Iterator[None]:
    """Ingestion as if a row rule did not exist."""
    split = pipeline.split

    def blind(judged: Any, *arguments: Any) -> Any:
        return split(replace(judged, flags=[flag for flag in judged.flags if flag.rule != rule]), *arguments)

    with (
        patch.object(pipeline, "split", blind),
        # Rows judged by other code are judged again.
        patch.object(pipeline, "ingestion_version", lambda: f"without {rule}"),
    ):
        yield


def slips_without(door: Door, rule: str) -> tuple[list[Defect], list[Defect]]:
    """Defects that come through once their rule is gone, and those that another rule still catches."""
    named = [one for one in catalogue() if one.caught == "row" and one.by == rule]
    try:
        with without_rule(rule):
            found = door.bring(named, f"without-{rule}")
    except (TypeError, ValueError):
        # What every other row must hold is missing in this one: nothing after the rule can do without it.
        return named, []
    slipped = [one.defect for one in found if one.taken_out < one.defect.rows and not _rejected(one)]
    return slipped, [one for one in named if one not in slipped]


def _rejected(found: AtTheDoor) -> bool:
    return any(rule in pipeline.FILE_RULES for rule in found.fired)


# --- On a whole build -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OnTheBuild:
    """What the audit made of a defect.

    `fired` are checks that fire now and did not on the clean country; `needed` those without which, the others being
    there, some metric would be published that is withheld.
    """

    defect: Defect
    fired: frozenset[str]
    withheld: frozenset[str]
    expected: frozenset[str]
    metrics: int
    needed: frozenset[str] = frozenset()

    @property
    def is_caught(self) -> bool:
        """The named check fired, and exactly the metrics that rest on what fired are withheld."""
        return self.defect.by in self.fired and self.withheld == self.expected


@dataclass
class Build:
    """A home in which countries are built and judged, one after the other, without a release."""

    home: Home
    inbox: Path
    say: Callable[[str], None] = print
    alarms: frozenset[str] = frozenset()

    @property
    def _clean(self) -> Path:
        """The home as the clean country left it."""
        return self.home.root.with_name(f"{self.home.root.name}-clean")

    def judged(self) -> tuple[frozenset[str], frozenset[str], int]:
        """Ingest, build, audit: the checks that fire, the metrics withheld, and how many metrics there are."""
        from orchestration import dbt_engine

        ingest(self.home, self.inbox)
        dbt_engine.ensure_manifest(self.home)
        dbt_engine.build(self.home)
        fired = frozenset(one.check_id for one in run_audit(self.home).not_passed)
        verdicts = judge(self.home)
        return fired, frozenset(one.metric_id for one in verdicts.withheld), len(verdicts.metrics)

    def stand_clean(self) -> None:
        """Build the clean country and note what fires on it."""
        self.alarms, withheld, _ = self.judged()
        if withheld:
            raise AssertionError(
                f"the clean country has {sorted(withheld)} withheld by {sorted(self.alarms)}"
            )
        shutil.copytree(self.home.root, self._clean, symlinks=True)

    def suffer(self, defect: Defect) -> OnTheBuild:
        """Put a defect in the place of the clean filing, and judge the country, which knows of no defect before it."""
        remove_tree(self.home.root)
        shutil.copytree(self._clean, self.home.root, symlinks=True)
        target = self.inbox / defect.arrives_as
        before = target.read_bytes() if target.exists() else None
        target.write_bytes(injected(defect, (self.inbox / defect.file).read_bytes(), {}))
        fired, withheld, metrics = self.judged()
        if before is None:
            target.unlink()
        else:
            target.write_bytes(before)
        new = fired - self.alarms
        return OnTheBuild(
            defect, new, withheld, metrics_resting_on(self.home, fired), metrics, self._needed(new, withheld)
        )

    def _needed(self, fired: Iterable[str], withheld: frozenset[str]) -> frozenset[str]:
        """Expectations whose removal lets a metric through on exactly this build."""
        return frozenset(check_id for check_id in fired if _withheld_without(self.home, check_id) < withheld)


def _withheld_without(home: Home, check_id: str) -> frozenset[str]:
    """Metrics withheld when the gate does not know of one check."""

    def without(manifest: Any, suites: Any) -> dict[str, Any]:
        checks = all_checks(manifest, suites)
        checks.pop(check_id, None)
        return checks

    all_checks = gate.all_checks
    with patch.object(gate, "all_checks", without):
        return frozenset(one.metric_id for one in judge(home).withheld)


def metrics_resting_on(home: Home, checks: Iterable[str]) -> frozenset[str]:
    """Metrics that rest on what blocking checks are about, worked out from dbt's own map of parents and children.

    On purpose not by the gate's code: from the text of the suites, the manifest as dbt wrote it, and the list of
    metrics.
    """
    manifest = _manifest(home.dbt_target / "manifest.json")
    nodes = {**manifest["nodes"], **manifest["sources"]}
    named = {node["alias"]: key for key, node in nodes.items() if node["resource_type"] in ("model", "seed")}
    with (PROJECT_DIR / "dbt_project/seeds/coverage/metric.csv").open(encoding="utf-8", newline="") as stream:
        sources = {
            row["metric_id"]: {named[table.strip()] for table in row["source_table"].split(",")}
            for row in csv.DictReader(stream)
        }
    # The list of figures itself, and what it alone is made of, carries every metric.
    listing = {named["fct_metric"]}
    of_all = _reached(manifest["parent_map"], listing) - _reached(
        manifest["parent_map"], frozenset().union(*sources.values())
    )
    accused: set[str] = set()
    for check_id in checks:
        tables, only = _about(check_id, manifest, named)
        if tables & (of_all | listing) and not only:
            accused |= set(sources)
        reached = _reached(manifest["child_map"], tables)
        accused |= {
            metric
            for metric, made_of in sources.items()
            if made_of & reached and (not only or metric in only)
        }
    return frozenset(accused)


def _reached(neighbours: Mapping[str, Sequence[str]], begin: Iterable[str]) -> set[str]:
    """Everything that can be reached on a map of parents or children, with where it begins."""
    found: set[str] = set()
    waiting = list(begin)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += neighbours.get(key, [])
    return found


@cache
def _manifest(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes()))


@cache
def _blocking_expectations() -> dict[str, dict[str, Any]]:
    suites = [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (PROJECT_DIR / "expectations" / "suites").glob("*.yaml")
    ]
    return {
        f"{suite['suite']}.{one['id']}": one
        for suite in suites
        for one in suite["expectations"]
        if one["severity"] == "blocking"
    }


def _about(check_id: str, manifest: Mapping[str, Any], named: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Tables that a blocking check is about and the metrics it names; no tables for one that only warns."""
    if check_id.startswith("test."):
        node = manifest["nodes"][check_id]
        if str(node["config"]["severity"]).lower() != "error":
            return set(), set()
        attached = node.get("attached_node")
        if attached is None:
            return set(node["depends_on"]["nodes"]), set()
        config = manifest["nodes"].get(attached, {}).get("config", {})
        return {attached}, set((config.get("meta") or {}).get("metrics") or ())
    one = _blocking_expectations().get(check_id)
    if one is not None:
        return {named[table.split(".")[1]] for table in one["tables"]}, set(one.get("metrics") or ())
    return set(), set()


# --- Expectations taken away ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OnTables:
    """What fired on finished tables with one fault in them: the expectation it is there for, and any others."""

    check_id: str
    fault: str
    is_caught: bool
    others: frozenset[str]


def on_finished_tables(faults: Mapping[str, Mapping[str, str]]) -> Iterator[OnTables]:
    """Put each fault into a small country's finished tables, one at a time, and ask all expectations that read them."""
    expectations = {suite.check_id(one): one for suite in load_suites() for one in suite.expectations}
    engine = Engine()

    def fires(check_id: str) -> bool:
        one = expectations[check_id]
        return not engine.evaluate(marts.execute(one.query).df(), one.expect, one.kwargs).success

    with small_marts() as marts:
        for check_id, fault, changes in (
            (name, fault, changes) for name, told in faults.items() for fault, changes in told.items()
        ):
            # Each fault is taken back, and what reads none of the tables it changes cannot notice it.
            changed = set(re.findall(r"(?:update|delete from|insert into) ([a-z]+\.\w+)", changes))
            marts.execute("begin")
            for statement in changes.split("; "):
                marts.execute(statement)
            fired = {
                other
                for other, one in expectations.items()
                if changed & {*one.tables, *one.also_reads} and fires(other)
            }
            marts.execute("rollback")
            yield OnTables(check_id, fault, check_id in fired, frozenset(fired - {check_id}))


# --- Clean countries --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CleanCountry:
    """What was said of a country without a fault: `alarms` block or take rows out, `warnings` are for a person."""

    seed: int
    alarms: tuple[str, ...]
    warnings: tuple[str, ...]


def false_alarms(folder: Path, seed: int) -> CleanCountry:
    """Build the country of a seed in a home that countries before it may have used, and note every alarm."""
    home = Home(folder / "home")
    for path in (home.lake, home.landing, home.ledger, home.answers, folder / "inbox"):
        shutil.rmtree(path, ignore_errors=True)
    for path in home.build.glob("*.duckdb*"):
        path.unlink()
    build = Build(home, clean_inbox(folder / "inbox", seed))
    fired, withheld, _ = build.judged()
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select file_name, outcome, rule from read_parquet(?) where outcome <> 'accepted'",
            [str(home.lake / "meta" / "extract.parquet")],
        ).fetchall()
    blocking = {
        suite.check_id(one)
        for suite in load_suites()
        for one in suite.expectations
        if one.severity == "blocking"
    }
    loud = {check for check in fired if check in blocking or check.startswith(("test.", "build."))}
    alarms = [*(f"{name}: {outcome} {rule}" for name, outcome, rule in rows), *sorted(loud | withheld)]
    return CleanCountry(seed, tuple(alarms), tuple(sorted(fired - loud)))
