"""Does a run survive? Faults that a run of the tiny country suffers, and what must hold after each.

Belongs here: the faults, one function a kind, and the conditions: `current` is complete, nothing landed is lost, the
next run finishes without help and says what an undisturbed one says. Does not belong here: the run itself
(`small_pipeline`).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tests.faults.small_pipeline import FAILED, FINISHED, SmallPipeline, write_inbox
from tests.unit.audit_kit import home_in, share_suite, small_country
from warehouse.files import remove_tree, sha256_of
from warehouse.paths import Home
from warehouse.verify import read_publication, verify_release

KILLED = -9
ALARMED = -14
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


@dataclass
class Toll:
    """Faults of one kind: how many were injected, how many struck before the run ended, and what went wrong."""

    kind: str
    injected: int = 0
    struck: int = 0
    problems: list[str] = field(default_factory=list)
    skipped: str = ""


@dataclass(frozen=True)
class Undisturbed:
    """A home before the run, and what the run makes of it when nothing happens."""

    before: Path
    content: dict[str, str]
    effects: int
    seconds: float


def content_of(home: Home) -> dict[str, str]:
    """What the current release says: its name, which follows from content, and the hash of each table."""
    document = read_publication(home.current.resolve())
    return {"publication": document["publication_id"]} | {
        table["name"]: table["content_sha256"] for table in document["tables"]
    }


def undisturbed(pipeline: SmallPipeline) -> Undisturbed:
    """Two quarters published, kept aside; then the third, as the run that faults will strike."""
    write_inbox(pipeline.inbox, 2)
    _must_finish(pipeline, "the first run")
    before = pipeline.folder / "before"
    shutil.copytree(pipeline.home.root, before, symlinks=True)
    write_inbox(pipeline.inbox, 3)
    begun = time.monotonic()
    count = pipeline.folder / "effects.txt"
    _must_finish(pipeline, "the undisturbed run", report=str(count))
    return Undisturbed(before, content_of(pipeline.home), int(count.read_text()), time.monotonic() - begun)


def _must_finish(pipeline: SmallPipeline, which: str, **more: object) -> None:
    if pipeline.run(**more) != FINISHED:
        raise RuntimeError(f"{which} failed: {pipeline.error()}")


def go_back(pipeline: SmallPipeline, to: Undisturbed) -> None:
    """The home as it was before the run; times of change stay, by which what stands is known."""
    for path in list(pipeline.home.root.iterdir()) if pipeline.home.root.exists() else []:
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        else:
            path.unlink()
    shutil.copytree(to.before, pipeline.home.root, symlinks=True, dirs_exist_ok=True)


def copied_elsewhere(pipeline: SmallPipeline, wanted: Undisturbed) -> list[str]:
    """What is wrong when a home is copied, the first is gone, and runs go on in the copy: with nothing new, and then
    with the delivery that the undisturbed run had.
    """
    go_back(pipeline, wanted)
    copy = Home(pipeline.folder / "elsewhere")
    shutil.copytree(wanted.before, copy.root, symlinks=True)
    remove_tree(pipeline.home.root)
    release, written = copy.current.resolve(), copy.build_file.stat().st_mtime_ns
    (newest,) = pipeline.inbox.glob("*q3.csv")
    aside = newest.rename(pipeline.folder / newest.name)
    problems = []
    if pipeline.run(home_name=copy.root.name) != FINISHED:
        problems.append(f"with nothing new: {pipeline.error()}")
    if copy.build_file.stat().st_mtime_ns != written:
        problems.append("with nothing new the build file was written")
    if copy.current.resolve() != release or len(list(copy.published.glob("pub-*"))) != 1:
        problems.append("with nothing new there is another release")
    aside.rename(newest)
    if pipeline.run(home_name=copy.root.name) != FINISHED:
        problems.append(f"with the third quarter: {pipeline.error()}")
    if content_of(copy) != wanted.content:
        problems.append("with the third quarter its figures are others")
    return problems


def not_intact(home: Home, before: Path) -> list[str]:
    """What a fault has damaged that no fault may: the release that stands, and what has landed."""
    problems = []
    if not home.current.exists():
        problems.append("there is no current release")
    else:
        problems += verify_release(home.current.resolve())
    for path in sorted((before / "landing").glob("??/*")):
        landed = home.landing / path.relative_to(before / "landing")
        if not landed.exists():
            problems.append(f"landed file lost: {landed.name}")
    for landed in sorted(home.landing.glob("??/*")):
        if landed.stem != sha256_of(landed):
            problems.append(f"landed file is not what its name says: {landed.name}")
    return problems


def not_recovered(pipeline: SmallPipeline, wanted: Undisturbed) -> list[str]:
    """What is wrong after one more run, without any help."""
    code = pipeline.run()
    if code != FINISHED:
        return [f"the next run ended with {code}: {pipeline.error()[:600]}"]
    problems = not_intact(pipeline.home, wanted.before)
    found = content_of(pipeline.home)
    if found != wanted.content:
        apart = sorted(key for key in wanted.content if wanted.content[key] != found.get(key))
        problems.append(f"the next release says something else: {', '.join(apart)}")
    return problems


# --- The process dies, or the disk refuses ------------------------------------------------------------------


def killed_at_effects(pipeline: SmallPipeline, wanted: Undisturbed, points: Iterable[int]) -> Toll:
    """kill -9 as the run is about to do the n-th thing to a file."""
    toll = Toll("kill -9 at an effect on files")
    for point in points:
        go_back(pipeline, wanted)
        _suffer(toll, pipeline, wanted, f"effect {point}", pipeline.run(kill_at=point), KILLED)
    return toll


def killed_at_times(pipeline: SmallPipeline, wanted: Undisturbed, count: int) -> Toll:
    """An end at an instant spread over the run, also in the middle of native code."""
    toll = Toll("kill at an instant")
    for number in range(count):
        go_back(pipeline, wanted)
        after = wanted.seconds * (number + 1) / (count + 1)
        _suffer(toll, pipeline, wanted, f"{after:.3f} s", pipeline.run(kill_after_seconds=after), ALARMED)
    return toll


def refused_at_effects(
    pipeline: SmallPipeline, wanted: Undisturbed, points: Iterable[int], code: int = errno.EIO
) -> Toll:
    """An error of the disk as the run is about to do the n-th thing to a file."""
    toll = Toll(f"{errno.errorcode[code]} at an effect on files")
    for point in points:
        go_back(pipeline, wanted)
        _suffer(toll, pipeline, wanted, f"effect {point}", pipeline.run(fail_at=point, errno=code), FAILED)
    return toll


def _suffer(
    toll: Toll, pipeline: SmallPipeline, wanted: Undisturbed, where: str, code: int, expected: int
) -> None:
    toll.injected += 1
    toll.struck += code == expected
    problems = [] if code in (expected, FINISHED) else [f"ended with {code}: {pipeline.error()[:300]}"]
    problems += not_intact(pipeline.home, wanted.before)
    problems += not_recovered(pipeline, wanted)
    toll.problems += [f"{where}: {problem}" for problem in problems]


def full_disk(pipeline: SmallPipeline, wanted: Undisturbed, count: int) -> Toll:
    """The home on a file system that is full after a little more each time, and then is given room."""
    toll = Toll("disk full")
    home = pipeline.home.root
    if os.geteuid() != 0 or not _may_mount(pipeline.folder / "probe"):
        toll.skipped = "needs the right to mount a tmpfs"
        return toll
    go_back(pipeline, wanted)
    _must_finish(pipeline, "a run to measure")
    base, most = _size(wanted.before), _size(home)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    for number in range(count):
        room = base + (most - base) * (number + 1) // (count + 1)
        _mount(home, room)
        try:
            shutil.copytree(wanted.before, home, symlinks=True, dirs_exist_ok=True)
            code = pipeline.run()
            toll.injected += 1
            toll.struck += code == FAILED
            problems = [] if code in (FAILED, FINISHED) else [f"ended with {code}: {pipeline.error()[:300]}"]
            problems += not_intact(pipeline.home, wanted.before)
            subprocess.run(["mount", "-o", "remount,size=200m", str(home)], check=True)
            problems += not_recovered(pipeline, wanted)
            toll.problems += [f"{room >> 10} KiB: {problem}" for problem in problems]
        finally:
            subprocess.run(["umount", str(home)], check=True)
    return toll


def _may_mount(folder: Path) -> bool:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode == 0:
        subprocess.run(["umount", str(folder)], check=True)
    return done.returncode == 0


def _mount(folder: Path, size: int) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)


def _size(folder: Path) -> int:
    """Bytes that a tmpfs needs for a folder: whole pages."""
    return sum((p.stat().st_size + 4095) // 4096 * 4096 for p in folder.rglob("*") if not p.is_symlink())


# --- Somebody was there -------------------------------------------------------------------------------------


def _cut(path: Path) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _scribble(path: Path) -> None:
    path.chmod(0o644)
    middle = path.stat().st_size // 2
    with path.open("r+b") as file:
        file.seek(middle)
        file.write(b"\x00scribbled by hand\x00")


def _one(folder: Path, pattern: str) -> Path:
    return sorted(folder.glob(pattern))[-1]


def _writing(content: bytes) -> Callable[[Path], None]:
    """A change that leaves other content, as a restored backup or a slip of the hand does."""

    def change(path: Path) -> None:
        path.chmod(0o644)
        path.write_bytes(content)

    return change


def _alter_outcome(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"rows_accepted": 999_999}))


def _all(change: Callable[[Path], None], folder: str, pattern: str) -> Callable[[Home], None]:
    def damage(home: Home) -> None:
        paths = sorted((home.root / folder).glob(pattern))
        assert paths, f"{folder} has no {pattern} to damage"
        for path in paths:
            change(path)

    return damage


DAMAGES: dict[str, Callable[[Home], None]] = {
    "a landed file changed by hand": lambda home: _scribble(_one(home.landing, "??/*.csv")),
    "a landed file cut off": lambda home: _cut(_one(home.landing, "??/*.csv")),
    "a landed file removed": lambda home: _one(home.landing, "??/*.csv").unlink(),
    "a receipt cut off": lambda home: _cut(_one(home.landing, "receipts/*.json")),
    "every receipt cut off": _all(_cut, "landing/receipts", "*.json"),
    "every receipt of another shape": _all(_writing(b"[]"), "landing/receipts", "*.json"),
    "a receipt copied beside": lambda home: shutil.copy(
        _one(home.landing, "receipts/*.json"), home.landing / "receipts" / "copy of 1.json"
    ),
    "what was seen of another shape": _all(_writing(b'{"a": 5}'), "landing", "seen.json"),
    "what was seen cut off": lambda home: _cut(home.landing / "seen.json"),
    "a half-copied delivery left behind": lambda home: (home.landing / "incoming" / "99999.part").write_bytes(b"x"),
    "accepted rows scribbled over": _all(_scribble, "lake/accepted/operator_availability", "*/part-*.parquet"),
    "accepted rows removed": _all(Path.unlink, "lake/accepted/operator_availability", "*/part-*.parquet"),
    "quarantined rows removed": _all(Path.unlink, "lake/quarantined", "*/*/part-*.parquet"),
    "what was verified of another shape": _all(_writing(b"[1]"), "lake/accepted", "*/*/.verified.json"),
    "columns of the kinds emptied": _all(_writing(b""), "lake/accepted", "*/_schema.parquet"),
    "outcomes cut off": _all(_cut, "lake/outcomes", "*.json"),
    "outcomes of another shape": _all(_writing(b"{}"), "lake/outcomes", "*.json"),
    "outcomes altered": _all(_alter_outcome, "lake/outcomes", "*.json"),
    "the list of deliveries cut off": lambda home: _cut(home.lake / "meta" / "extract.parquet"),
    "the build file scribbled over": lambda home: _scribble(home.build_file),
    "the build file cut off": lambda home: _cut(home.build_file),
    "the build file emptied": lambda home: home.build_file.write_bytes(b""),
    "the build file's log of nonsense": lambda home: home.build_file.with_name(
        home.build_file.name + ".wal"
    ).write_bytes(b"nonsense"),
    "what stands in the build cut off": lambda home: _cut(home.build / "built.json"),
    "what stands in the build of another shape": _all(_writing(b"[]"), "build", "built.json"),
    "the manifest cut off": lambda home: _cut(home.dbt_target / "manifest.json"),
    "dbt's own cache cut off": lambda home: _cut(home.dbt_target / "partial_parse.msgpack"),
    "dbt's results cut off": lambda home: _cut(home.dbt_target / "run_results.json"),
    "the ledger cut off": _all(_cut, "evidence", "*.parquet"),
    "the ledger scribbled over": _all(_scribble, "evidence", "*.parquet"),
    "the ledger removed": _all(Path.unlink, "evidence", "*.parquet"),
    "the history of releases cut off": _all(_cut, "published", "*.json*"),
}  # fmt: skip


def damaged(pipeline: SmallPipeline, wanted: Undisturbed, names: Iterable[str]) -> Toll:
    """A file of the home changed by hand, cut off or gone before the run."""
    toll = Toll("a file of the home damaged")
    for name in names:
        go_back(pipeline, wanted)
        DAMAGES[name](pipeline.home)
        toll.injected += 1
        toll.struck += 1
        toll.problems += [f"{name}: {problem}" for problem in not_recovered(pipeline, wanted)]
    return toll


def release_damaged(pipeline: SmallPipeline, wanted: Undisturbed) -> Toll:
    """The release that stands changed by hand: the next run that says the same writes it again beside it."""
    toll = Toll("the release that stands damaged", 1, 1)
    go_back(pipeline, wanted)
    _must_finish(pipeline, "the run before")
    _scribble(pipeline.home.current.resolve() / "csv" / "fct_coverage.csv")
    toll.problems = not_recovered(pipeline, wanted)
    return toll


# --- Others are at work, the clock, the surroundings --------------------------------------------------------


def two_at_once(first: SmallPipeline, wanted: Undisturbed, times: int) -> Toll:
    """Two runs on one home, the second begun a little later each time."""
    toll = Toll("two runs at once")
    with SmallPipeline(first.folder) as second:
        for number in range(times):
            go_back(first, wanted)
            first.begin()
            time.sleep(wanted.seconds * number / times)
            code = second.run()
            codes = (first.end(), code)
            toll.injected += 1
            toll.struck += 1
            problems = []
            if FINISHED not in codes or not set(codes) <= {FINISHED, FAILED}:
                problems.append(f"they ended with {codes}: {first.error()[:300]}")
            problems += not_intact(first.home, wanted.before) + not_recovered(first, wanted)
            toll.problems += [f"number {number}: {problem}" for problem in problems]
    return toll


def clock_back(pipeline: SmallPipeline, wanted: Undisturbed, days: Sequence[int]) -> Toll:
    """A run whose clock is days behind that of the run before."""
    toll = Toll("the clock stepping back")
    if not FAKETIME.exists():
        toll.skipped = "needs libfaketime (Debian's package libfaketime)"
        return toll
    for back in days:
        go_back(pipeline, wanted)
        told = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": f"-{back}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with SmallPipeline(pipeline.folder, told) as late:
            code = late.run()
            toll.injected += 1
            toll.struck += 1
            problems = [] if code == FINISHED else [f"ended with {code}: {late.error()[:300]}"]
        if not problems:
            if content_of(pipeline.home) != wanted.content:
                problems.append("the release says something else")
            problems += not_intact(pipeline.home, wanted.before)
        problems += not_recovered(pipeline, wanted)
        toll.problems += [f"{back} days: {problem}" for problem in problems]
    return toll


SURROUNDINGS: tuple[dict[str, str], ...] = (
    {"TZ": "Asia/Almaty", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
    {"TZ": "America/Los_Angeles", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "42"},
    {"TZ": "Pacific/Kiritimati", "LC_ALL": "ru_RU.UTF-8", "LANG": "kk_KZ.UTF-8", "PYTHONHASHSEED": "4294967295"},
)  # fmt: skip


def surroundings(pipeline: SmallPipeline, wanted: Undisturbed, which: Sequence[dict[str, str]]) -> Toll:
    """Time zone, locale and hash seed change no byte of data: of tables, lake and landing."""
    toll = Toll("time zone, locale, hash seed")
    go_back(pipeline, wanted)
    _must_finish(pipeline, "the run to compare with")
    rows = _hashes(pipeline.home)
    for variables in which:
        go_back(pipeline, wanted)
        with SmallPipeline(pipeline.folder, variables) as other:
            code = other.run()
        toll.injected += 1
        toll.struck += 1
        told = " ".join(f"{name}={value}" for name, value in variables.items())
        if code != FINISHED:
            toll.problems.append(f"{told}: ended with {code}: {other.error()[:300]}")
        elif content_of(pipeline.home) != wanted.content or _hashes(pipeline.home) != rows:
            toll.problems.append(f"{told}: data changed")
    return toll


def _hashes(home: Home) -> dict[str, str]:
    """Bytes of everything that is data and has no clock: accepted and quarantined rows, and the release's tables."""
    release = home.current.resolve()
    paths = [
        *sorted(home.lake.rglob("part-*.parquet")),
        *sorted(release.rglob("*.csv")),
        *sorted(release.rglob("*.parquet")),
    ]
    return {str(path.relative_to(home.root)): sha256_of(path) for path in paths}


def readers(folder: Path, reads: int, threads: int = 8) -> Toll:
    """Many readers open `current` while release follows release; every one finds a whole release."""
    from expectations.audit import run_audit
    from expectations.gate import judge
    from warehouse.releases import publish

    toll = Toll("readers of `current` during releases")
    suite = share_suite()
    home = home_in(folder)

    def release(number: int) -> None:
        country = small_country()
        table = country.tables["fct_coverage"]
        table.sql = table.sql.replace("90::bigint", f"{number % 100}::bigint")
        country.write(home)
        run_audit(home, suites=[suite])
        publish(home, judge(home, suites=[suite]), "code-1")

    release(0)
    done, stop, guard = [0], threading.Event(), threading.Lock()

    def read() -> None:
        while not stop.is_set():
            try:
                with duckdb.connect(str(home.current / "coverage.duckdb"), read_only=True) as connection:
                    rows = connection.execute("select count(*) from marts.fct_coverage").fetchall()
                folder_now = home.current.resolve()
                listed = {e["path"]: e["sha256"] for e in read_publication(folder_now)["files"]}
                same = hashlib.sha256((folder_now / "csv/fct_coverage.csv").read_bytes()).hexdigest()
                problem = "" if rows == [(2,)] and listed["csv/fct_coverage.csv"] == same else f"read {rows}"
            except (OSError, duckdb.Error, ValueError, KeyError) as error:
                problem = f"{type(error).__name__}: {error}"
            with guard:
                done[0] += 1
                if problem:
                    toll.problems.append(problem)
                # However quick the reading, releases must have come between.
                if done[0] >= reads and toll.struck > 1:
                    stop.set()

    workers = [threading.Thread(target=read) for _ in range(threads)]
    for worker in workers:
        worker.start()
    while not stop.is_set():
        toll.struck += 1
        release(toll.struck)
    for worker in workers:
        worker.join()
    toll.injected = done[0]
    return toll
