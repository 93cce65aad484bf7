"""Do lying inputs get in? Files of every format, damaged at random, through the whole of ingestion.

Belongs here: the clean file of each format, how bytes are damaged, and what must hold of every outcome. Does not belong
here: files made to do harm on purpose (`test_hostile_files`).

Every damaged file follows from the format's name and a number, so that one that was found can be made again.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
import json
import shutil
import tempfile
import traceback
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from unittest.mock import patch
from zlib import crc32

import numpy as np
import pyogrio.raw

from ingestion.faults import FILE_RULES
from ingestion.layout import Layout, load_layouts
from ingestion.pipeline import ingest
from sample_country import generate
from tests.faults.filing_tables import edited
from tests.faults.gates import layout_of
from tests.faults.injections import head
from warehouse.lake import Outcome
from warehouse.paths import Home

#: The file that each format is fuzzed with: of the sample country, or an answer of a service, which has none there.
FORMATS = {
    "csv, utf-8": "sample_koktem/satellite_2025q4.csv",
    "csv, cp1251": "sample_dala/availability_2025q4.csv",
    "text, utf-16": "sample_sayran/sayran_coverage_2025_4.txt",
    "xlsx": "sample_ministry/projects/milestones_2025q4.xlsx",
    "xls": "sample_tulpar/tulpar_2022q4.xls",
    "GeoJSON": "sample_sayran/sayran_sites_2025q4.geojson",
    "GeoPackage": "sample_arman/coverage_2025q4.gpkg",
    "Shapefile in .zip": "sample_tulpar/tulpar-areas-2025-q4.zip",
    "JSON": "service/element_6584.json",
    "JSON in .zip": "service/element_6584.zip",
}
_ANSWERS = Layout.model_validate(
    {
        "layout": "service/element", "sender": "service", "sender_title": "Statistics service", "extract": "population",
        "description": "Series within records, as a statistics service answers.",
        "file_pattern": r"(?:.*/)?element_6584\.(json|zip)", "format": "records", "null_marks": ["x"],
        "ignore": ["terms.1", "terms.2"],
        "columns": {
            "kato": {"from": "termNames.1"}, "area_type": {"from": "termNames.2", "map": {"Всего": "all"}},
            "as_of_date": {"from": "periods.date", "date_format": "%d.%m.%Y"},
            "population": {"from": "periods.value"},
        },
        "absent": ["filed_region", "filed_district", "filed_settlement"],
    }
)  # fmt: skip
_PERIODS = (dt.date(2022, 12, 31), dt.date(2025, 12, 31))
_ROWS = 6
# What programs stumble over: ends of strings and lines, quotes, formulas, markup, numbers beyond every type.
_TOKENS = (
    b"\0", b"\n", b"\r", b'"', b"'", b";", b",", b"\t", b"\xff\xfe", b"\xef\xbb\xbf", b"#REF!", b"=1+1", b"1e400",
    b"-0", b"NaN", b"9" * 40, b"<script>", b"'; drop table x; --", b"{" * 50, b"[" * 50, b"]", b"\\u0000", b"\xd1",
    "һ".encode(), b"&#x0;", b"%s%n", b"../../",
)  # fmt: skip
# What may stand in JSON where something else is expected.
_VALUES = (
    None, True, -1, 0.5, 2**63, 10**30, float("nan"), float("inf"), "", "x", "2025", "\0", "\ufeff", [], {}, [[]], [{}],
    [None], {"": None}, {"a": {"a": 1}}, [[1, 2], "x"], list(range(50)), {"periods": []},
)  # fmt: skip
_ZIPS = (".xlsx", ".zip")
_TREES = (".json", ".geojson")


@dataclass
class Tally:
    """Damaged files of one format: how many, what became of them, and what must not have been."""

    format: str
    files: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class Corpus:
    """A clean, small file of each format, and a home that knows the places they speak of."""

    def __init__(self, folder: Path) -> None:
        inbox = folder / "clean"
        generate(inbox, seed=1, faults=False, periods=_PERIODS)
        self.folder = folder
        self.clean = {
            name: _few(inbox, path) if (inbox / path).exists() else _answer(PurePosixPath(path).suffix)
            for name, path in FORMATS.items()
        }
        reference = folder / "reference" / "sample_bureau"
        shutil.copytree(inbox / "sample_bureau" / "kato", reference / "kato")
        ingest(Home(folder / "home"), reference.parent)
        shutil.rmtree(inbox)

    @contextmanager
    def home(self) -> Iterator[Home]:
        """A copy of the home, gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            shutil.copytree(self.folder / "home", Path(folder) / "home")
            yield Home(Path(folder) / "home")


def _few(inbox: Path, file: str) -> bytes:
    """The file with its first rows, as every number of rows is read alike."""
    path = inbox / file
    match path.suffix:
        case ".xls":
            return path.read_bytes()
        case ".gpkg":
            return _few_features(path)
    return edited(path.read_bytes(), path.suffix, layout_of(file), partial(head, count=_ROWS))


def _answer(suffix: str) -> bytes:
    """Series of two regions as a service answers them; in a .zip, an answer for each."""
    answers = []
    for code, people in (("100000000", "602 832"), ("110000000", "787 014")):
        periods = [{"date": f"01.01.{year}", "value": people} for year in (2024, 2025)]
        record: dict[str, Any] = {
            "terms": ["247783", "741917"],
            "termNames": [code, "Всего"],
            "periods": periods,
        }
        answers.append(record)
    if suffix == ".json":
        return json.dumps(answers, ensure_ascii=False).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for page, record in enumerate(answers, start=1):
            packed.writestr(f"page_{page}.json", json.dumps([record], ensure_ascii=False))
    return out.getvalue()


def _few_features(path: Path) -> bytes:
    meta, _, geometries, values = pyogrio.raw.read(path, max_features=_ROWS)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / path.name
        pyogrio.raw.write(
            target, geometries, values, list(meta["fields"]), geometry_type=meta["geometry_type"],
            crs=meta["crs"], driver="GPKG", layer="areas",
        )  # fmt: skip
        return target.read_bytes()


def damaged(name: str, clean: bytes, number: int) -> bytes:
    """The file of a format, damaged in the way of a number."""
    rng = np.random.default_rng([crc32(name.encode()), number])
    if PurePosixPath(FORMATS[name]).suffix in _ZIPS and rng.random() < 0.7:
        return _damaged_inside(clean, rng)
    return _damaged_content(PurePosixPath(FORMATS[name]).suffix, clean, rng)


def _damaged_content(suffix: str, content: bytes, rng: np.random.Generator) -> bytes:
    # Bytes changed at random leave nothing of JSON to be read; things changed for others leave JSON of another shape.
    if suffix in _TREES and rng.random() < 0.7:
        return _damaged_tree(content, rng)
    return _damaged(content, rng)


def _damaged_tree(content: bytes, rng: np.random.Generator) -> bytes:
    tree = json.loads(content)
    for _ in range(int(rng.integers(1, 5))):
        places = list(_places(tree))
        if not places:
            break
        holder, key = places[int(rng.integers(len(places)))]
        other_holder, other_key = places[int(rng.integers(len(places)))]
        match int(rng.integers(6)):
            case 0:
                del holder[key]
            case 1:
                holder[key] = [holder[key]]
            case 2:
                holder[key] = {"a": holder[key], str(key): holder[key]}
            case 3:
                holder[key] = copy.deepcopy(other_holder[other_key])
            case _:
                holder[key] = copy.deepcopy(_VALUES[int(rng.integers(len(_VALUES)))])
    return json.dumps(tree, ensure_ascii=bool(rng.integers(2))).encode()


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Each place of a tree of lists and objects that holds something: its holder, and the key or position there."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _places(tree[key])


def _damaged_inside(clean: bytes, rng: np.random.Generator) -> bytes:
    """One member of an archive damaged, and the archive packed soundly around it."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(clean)) as archive,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        names = archive.namelist()
        # Where the rows stand: a workbook's other parts are read in one place only.
        weights = np.array([5.0 if "sheet" in name else 1.0 for name in names])
        chosen = rng.choice(len(names), p=weights / weights.sum())
        for place, name in enumerate(names):
            content = archive.read(name)
            changed = (
                _damaged_content(PurePosixPath(name).suffix, content, rng) if place == chosen else content
            )
            packed.writestr(name, changed)
    return out.getvalue()


def _damaged(clean: bytes, rng: np.random.Generator) -> bytes:
    content = bytearray(clean)
    for _ in range(int(rng.integers(1, 5))):
        if not content:
            break
        at = int(rng.integers(len(content)))
        match int(rng.integers(8)):
            case 0:
                content[at] ^= 1 << int(rng.integers(8))
            case 1:
                content[at] = int(rng.integers(256))
            case 2:
                del content[at:]
            case 3:
                del content[at : at + int(rng.integers(1, 200))]
            case 4:
                length = int(rng.integers(1, 200))
                content[at:at] = content[at : at + length]
            case 5:
                content[at:at] = _TOKENS[int(rng.integers(len(_TOKENS)))]
            case 6:
                length = int(rng.integers(1, 64))
                content[at : at + length] = bytes(length)
            case _:
                other = int(rng.integers(len(content)))
                length = int(rng.integers(1, 64))
                content[at : at + length] = content[other : other + length]
    return bytes(content)


def fuzz(corpus: Corpus, name: str, numbers: range, batch: int = 200) -> Tally:
    """Ingest the damaged files of these numbers, many at a time; a batch that fails is looked through one by one."""
    tally = Tally(name)
    for begin in range(numbers.start, numbers.stop, batch):
        part = range(begin, min(begin + batch, numbers.stop))
        try:
            _ingest(corpus, name, part, tally)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            for number in part:
                try:
                    _ingest(corpus, name, range(number, number + 1), tally)
                except Exception as one:
                    tally.files += 1
                    tally.problems.append(f"number {number}: {_told(one)}")
                except BaseException as one:
                    if isinstance(one, KeyboardInterrupt | SystemExit):
                        raise
                    tally.files += 1
                    tally.problems.append(f"number {number}: {_told(one)}")
    return tally


def _told(error: BaseException) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {str(error)[:200]}"


def outcomes(corpus: Corpus, name: str, contents: Mapping[int, bytes]) -> list[Outcome]:
    """What becomes of files of a format, each in a folder of its number, in a home of their own."""
    layouts = load_layouts() | {_ANSWERS.layout_id: _ANSWERS}
    with corpus.home() as home, tempfile.TemporaryDirectory(dir=corpus.folder) as folder:
        for number, content in contents.items():
            path = Path(folder) / f"{number:06d}" / FORMATS[name]
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
        # Nothing here need outlive a power cut.
        with patch("os.fsync"), patch("ingestion.pipeline.load_layouts", lambda: layouts):
            return ingest(home, Path(folder)).extracts


def _ingest(corpus: Corpus, name: str, numbers: range, tally: Tally) -> None:
    found = outcomes(corpus, name, {number: damaged(name, corpus.clean[name], number) for number in numbers})
    # Two numbers may give the same bytes: then they are one delivery, under the last of their names.
    tally.files += len(numbers)
    for outcome in found:
        tally.outcomes[outcome.rule if not outcome.is_accepted and outcome.rule else outcome.outcome] += 1
        tally.problems += [f"{outcome.file_name[:6]}: {problem}" for problem in _not_right(outcome)]
    if not 0 < len(found) <= len(numbers):
        tally.problems.append(f"{numbers}: {len(found)} outcomes of {len(numbers)} files")


def _not_right(outcome: Outcome) -> list[str]:
    problems = []
    parts = outcome.rows_accepted + outcome.rows_quarantined + outcome.rows_duplicate
    if outcome.rows_read != parts:
        problems.append(f"{outcome.rows_read} rows read are not the {parts} accounted for")
    if not outcome.is_accepted and (outcome.rule not in FILE_RULES or not outcome.message):
        problems.append(f"rejected without a known reason: {outcome.rule}")
    if "Traceback" in str(outcome.message):
        problems.append("a traceback for a message")
    return problems
