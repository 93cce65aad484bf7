"""The input of the measurements, all from the sample country's generator.

Belongs here: which files are made, and where they lie in the work folder. Does not belong here: ingesting or
timing them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import sample_country

PERIOD = dt.date(2025, 12, 31)
"""The period of the national filing."""

QUARTER_ADDRESSES = 200_000
"""Rows by address in each of the quarters: modest beside a national filing, more than all rows by settlement."""

NEW_QUARTER = (2026, 1)
"""The quarter that is added; those before it are the warehouse it is added to."""

_OPERATORS = ("sample_arman", "sample_dala", "sample_koktem", "sample_sayran", "sample_tulpar")
_STAMP = re.compile(r"2025(?P<between>-?[qQ]|_)4")

# Upload speeds that each operator's filing says often, and what every other quarter says instead: a filing that stands
# still would be withheld, and so would coverage that falls.
_OTHER_SPEEDS = {
    "sample_arman/2025/arman_2025-Q4.xlsx": (b"<v>0.1</v>", b"<v>0.2</v>"),
    "sample_dala/addresses_2025q4.csv": (b",100,50\n", b",100,51\n"),
    "sample_sayran/sayran_coverage_2025_4.txt": ("\t0.1".encode("utf-16-le"), "\t0.2".encode("utf-16-le")),
    "sample_tulpar/tulpar-2025-q4.csv": (b'"50","10"', b'"50","11"'),
}


@dataclass(frozen=True)
class National:
    """A national filing by address and what is known before it comes.

    filing: the CSV, inside `inbox`, which holds nothing else. reference_inbox: the bureau's files, and one filing by
    settlement of an operator without fixed lines, so that there is something to build.
    """

    inbox: Path
    filing: Path
    reference_inbox: Path


def national(work: Path, rows: int) -> National:
    """The national filing of `rows` good addresses; what an earlier call left in `work` is used again."""
    root = work / f"national_{rows}_{_generator_version()}"
    found = National(root / "inbox", root / "inbox/sample_dala/addresses_2025q4.csv", root / "reference")
    if not root.exists():
        beside = _fresh(work / ".generating")
        sample_country.generate(beside / "all", addresses=rows, periods=[PERIOD])
        (beside / "inbox/sample_dala").mkdir(parents=True)
        (beside / "reference").mkdir()
        (beside / "all/sample_dala/addresses_2025q4.csv").rename(
            beside / "inbox/sample_dala/addresses_2025q4.csv"
        )
        for sender in ("sample_bureau", "sample_koktem"):
            (beside / "all" / sender).rename(beside / "reference" / sender)
        shutil.rmtree(beside / "all")
        beside.rename(root)
    return found


def quarters_before(count: int) -> list[tuple[int, int]]:
    """Year and number of the `count` quarters before NEW_QUARTER, earliest first."""
    year, quarter = NEW_QUARTER
    last = year * 4 + quarter - 1
    return [(index // 4, index % 4 + 1) for index in range(last - count, last)]


def write_quarter(work: Path, inbox: Path, year: int, quarter: int) -> None:
    """Leave the operators' filings of one quarter in an inbox, copied from `template`.

    Nearly the same rows under another date: every quarter costs the same, so that only their number differs.
    """
    source = template(work)
    date = f"{dt.date(year + quarter // 4, quarter % 4 * 3 + 1, 1) - dt.timedelta(days=1):%d.%m.%Y}".encode()
    for sender in _OPERATORS:
        for path in sorted((source / sender).rglob("*.*")):
            name = path.relative_to(source).as_posix()
            target = inbox / renamed(name, year, quarter)
            target.parent.mkdir(parents=True, exist_ok=True)
            changes = [_OTHER_SPEEDS[name]] if quarter % 2 and name in _OTHER_SPEEDS else []
            if path.suffix == ".csv":
                # One sender dates its rows, the others their file names only.
                changes.append((f"{PERIOD:%d.%m.%Y}".encode(), date))
            _copy(path, target, changes)


def _copy(source: Path, target: Path, changes: Sequence[tuple[bytes, bytes]]) -> None:
    """Copy a file with some bytes written otherwise; those of a workbook stand in its members."""

    def changed(content: bytes) -> bytes:
        for before, after in changes:
            content = content.replace(before, after)
        return content

    if source.suffix != ".xlsx":
        target.write_bytes(changed(source.read_bytes()))
        return
    with ZipFile(source) as book, ZipFile(target, "w", ZIP_DEFLATED) as copy:
        for member in book.infolist():
            copy.writestr(member, changed(book.read(member)))


def renamed(path: str, year: int, quarter: int) -> str:
    """A file's path with another quarter in its name. Raises ValueError when it names none."""
    stamped, count = _STAMP.subn(rf"{year}\g<between>{quarter}", path)
    if not count:
        raise ValueError(f"{path} names no quarter")
    return stamped


def template(work: Path) -> Path:
    """Every operator's filings of PERIOD, which the quarters are copies of; made once."""
    root = work / f"quarter_{QUARTER_ADDRESSES}_{_generator_version()}"
    if not root.exists():
        beside = _fresh(work / ".generating")
        sample_country.generate(beside, addresses=QUARTER_ADDRESSES, periods=[PERIOD])
        beside.rename(root)
    return root


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _generator_version() -> str:
    """Hash of the generator's code, so that a filing of an older generator is not taken for this one's."""
    digest = hashlib.sha256()
    package = Path(sample_country.__file__).parent
    for path in sorted([*package.glob("*.py"), *package.glob("*.csv")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]
