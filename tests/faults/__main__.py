"""`make faults`: every proof under fault in its long form, with counts and seeds, as one table.

Belongs here: which part runs how often, and the table. Does not belong here: any fault. A part that was asked for less
than its whole says so by its count.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orchestration.code_version import commit
from tests.faults import fuzz, gates, main_job, semantics, survival
from tests.faults.small_pipeline import SmallPipeline
from tests.unit.coherent_faults import COHERENT_FAULTS
from tests.unit.suite_faults import FAULTS
from warehouse.paths import Home


@dataclass
class Line:
    """One line of the table: what was tried how often, how often it held, and where it did not."""

    part: str
    tried: int
    held: int
    seeds: str
    failed: list[str] = field(default_factory=list)
    note: str = ""


def gates_at_the_door(folder: Path, _: argparse.Namespace) -> Iterator[Line]:
    """Every defect that ingestion must catch, and every rule taken away."""
    door = gates.Door(folder, gates.clean_inbox(folder / "clean"))
    found = door.bring([one for one in gates.catalogue() if one.caught != "check"])
    missed = [f"{one.defect.name}: {sorted(one.fired)}" for one in found if not one.is_caught]
    yield Line("defects caught at the door", len(found), len(found) - len(missed), f"{gates.SEED}", missed)
    rules = sorted({one.by for one in gates.catalogue() if one.caught == "row"} - gates.NO_FLAGS)
    idle = [rule for rule in rules if not gates.slips_without(door, rule)[0]]
    yield Line(
        "row rules without which a defect slips through", len(rules), len(rules) - len(idle), f"{gates.SEED}",
        note=f"another rule catches it too: {', '.join(idle)}",
    )  # fmt: skip


def gates_on_tables(_: Path, __: argparse.Namespace) -> Iterator[Line]:
    """Every fault that an expectation is there for, and every expectation taken away."""
    found = [*gates.on_finished_tables(FAULTS), *gates.on_finished_tables(COHERENT_FAULTS)]
    missed = [f"{one.check_id}: {one.fault}" for one in found if not one.is_caught]
    yield Line("faults of finished tables caught", len(found), len(found) - len(missed), "-", missed)
    every = {one.check_id for one in found}
    idle = sorted(every - {one.check_id for one in found if not one.others})
    yield Line(
        "expectations without which a fault slips through", len(every), len(every) - len(idle), "-",
        note=f"another catches what it is there for: {', '.join(idle) or 'none'}",
    )  # fmt: skip


def gates_on_builds(folder: Path, _: argparse.Namespace) -> Iterator[Line]:
    """Every defect that only the audit can see, each on a whole build."""
    build = gates.Build(Home(folder / "home"), gates.clean_inbox(folder / "clean"))
    build.stand_clean()
    found = []
    for defect in gates.catalogue():
        if defect.caught == "check":
            found.append(build.suffer(defect))
            _say(f"{'caught' if found[-1].is_caught else 'MISSED'}: {defect.name}")
    missed = [f"{one.defect.name}: {sorted(one.fired)}" for one in found if not one.is_caught]
    yield Line("defects caught by the audit", len(found), len(found) - len(missed), f"{gates.SEED}", missed)
    named = {one.defect.by for one in found}
    alone = {one.defect.by for one in found if one.fired == {one.defect.by} or one.defect.by in one.needed}
    yield Line(
        "checks without which a defect slips through", len(named), len(alone), f"{gates.SEED}",
        note=f"another catches it too: {', '.join(sorted(named - alone)) or 'none'}; alone: {', '.join(sorted(alone))}",
    )  # fmt: skip


def clean_countries(folder: Path, told: argparse.Namespace) -> Iterator[Line]:
    """No alarm on countries without a fault."""
    countries = []
    for seed in range(1, told.seeds + 1):
        countries.append(gates.false_alarms(folder, seed))
        _say(f"seed {seed}: {countries[-1].alarms or 'no alarm'}")
    loud = [f"seed {one.seed}: {', '.join(one.alarms[:5])}" for one in countries if one.alarms]
    warned = {check for one in countries for check in one.warnings}
    yield Line(
        "clean countries without an alarm", len(countries), len(countries) - len(loud), f"1-{told.seeds}", loud,
        f"warnings: {', '.join(sorted(warned)) or 'none'}",
    )  # fmt: skip


def properties(folder: Path, told: argparse.Namespace) -> Iterator[Line]:
    """Properties of the figures on arbitrary countries."""
    for found in semantics.on_arbitrary_countries(folder, told.countries, _say):
        yield Line(found.name, found.examples, found.examples - len(found.broken), found.seeds, found.broken)


def runs(folder: Path, told: argparse.Namespace) -> Iterator[Line]:
    """Faults that a run suffers."""
    with SmallPipeline(folder) as pipeline:
        wanted = survival.undisturbed(pipeline)
        kills = _spread(wanted.effects, told.kills)
        kinds: list[Callable[[], survival.Toll]] = [
            lambda: survival.damaged(pipeline, wanted, survival.DAMAGES),
            lambda: survival.release_damaged(pipeline, wanted),
            lambda: survival.clock_back(pipeline, wanted, [1, 30, 4000]),
            lambda: survival.surroundings(pipeline, wanted, survival.SURROUNDINGS),
            lambda: survival.full_disk(pipeline, wanted, told.disks),
            lambda: survival.two_at_once(pipeline, wanted, told.disks),
            lambda: survival.killed_at_effects(pipeline, wanted, kills),
            lambda: survival.killed_at_times(pipeline, wanted, told.kills // 4),
            lambda: survival.refused_at_effects(pipeline, wanted, kills),
            lambda: survival.readers(folder / "readers", told.reads),
        ]
        for suffer in kinds:
            yield _line(suffer())


def main_job_killed(folder: Path, told: argparse.Namespace) -> Iterator[Line]:
    """`qamtu run` on the sample, killed."""
    yield _line(main_job.killed(folder, told.jobs))


def _line(toll: survival.Toll) -> Line:
    _say(f"{toll.kind}: {toll.injected} injected, {toll.struck} struck, {len(toll.problems)} problems")
    struck = f"{toll.struck} releases" if toll.kind.startswith("readers") else f"{toll.struck} struck"
    failed = len({problem.split(":")[0] for problem in toll.problems})
    return Line(toll.kind, toll.injected, toll.injected - failed, "-", toll.problems, toll.skipped or struck)


def _spread(most: int, count: int) -> list[int]:
    """Points from the first effect to the last; every one where there are no more than asked for."""
    return sorted({1 + (most - 1) * i // max(count - 1, 1) for i in range(count)})


def inputs(folder: Path, told: argparse.Namespace) -> Iterator[Line]:
    """Damaged files of every format."""
    corpus = fuzz.Corpus(folder)
    for name in told.formats.split(";"):
        tally = fuzz.fuzz(corpus, name, range(told.files))
        commonest = ", ".join(f"{rule} {count}" for rule, count in tally.outcomes.most_common(4))
        _say(f"{name}: {tally.files} files, {len(tally.problems)} problems")
        yield Line(
            f"damaged files: {name}", tally.files, tally.files - len(tally.problems), f"0-{told.files - 1}",
            tally.problems, commonest,
        )  # fmt: skip


PARTS: dict[str, Callable[[Path, argparse.Namespace], Iterator[Line]]] = {
    "door": gates_at_the_door,
    "tables": gates_on_tables,
    "audit": gates_on_builds,
    "clean": clean_countries,
    "semantics": properties,
    "runs": runs,
    "job": main_job_killed,
    "inputs": inputs,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="which, separated by commas: %(default)s")
    parser.add_argument("--seeds", type=int, default=50, help="clean countries")
    parser.add_argument("--countries", type=int, default=10, help="arbitrary countries, of 20 regions each")
    parser.add_argument("--kills", type=int, default=200, help="points of a tiny run at which it is killed")
    parser.add_argument("--jobs", type=int, default=20, help="instants at which `qamtu run` is killed")
    parser.add_argument("--disks", type=int, default=12, help="sizes of a full disk; pairs of runs at once")
    parser.add_argument("--reads", type=int, default=10_000, help="times that `current` is opened")
    parser.add_argument("--files", type=int, default=20_000, help="damaged files of each format")
    parser.add_argument(
        "--formats",
        default=";".join(fuzz.FORMATS),
        help="of damaged files, separated by semicolons: %(default)s",
    )
    parser.add_argument("--json", type=Path, help="also write the lines here")
    told = parser.parse_args()
    lines: list[Line] = []
    print(f"commit {commit() or 'unknown'}\n\n{'':58} {'tried':>7} {'held':>7}  seeds", flush=True)
    for part in told.parts.split(","):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="qamtu-faults-") as folder:
            # Hours go by until the last line: those that are known stand whatever comes after.
            for line in PARTS[part](Path(folder), told):
                lines.append(line)
                _print(line)
        _say(f"{part}: {time.monotonic() - begun:.0f} s")
    if told.json:
        told.json.write_text(json.dumps([asdict(line) for line in lines], indent=1, ensure_ascii=False))
    return int(any(line.failed for line in lines))


def _print(line: Line) -> None:
    print(f"{line.part:58} {line.tried:>7} {line.held:>7}  {line.seeds:10} {line.note}")
    for failed in line.failed[:20]:
        print(f"    {failed}")
    sys.stdout.flush()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
