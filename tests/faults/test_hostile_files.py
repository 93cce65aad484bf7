"""Files made to do harm: each ends as an outcome with a reason, quickly, in little memory, and touches nothing else."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import socket
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import xlwt

from ingestion.answer.document import write_answer
from ingestion.check import check_files
from ingestion.faults import FileRejected
from ingestion.layout import LayoutError, read_layout
from ingestion.limits import LONGEST_LINE_BYTES, MOST_COLUMNS, MOST_UNPACKED_BYTES
from ingestion.readers import archive
from ingestion.readers.records import read_records
from orchestration.standing import deliveries
from tests.unit.ingestion_kit import FILING, HEADER, ROW, Warehouse, layout
from tests.unit.test_ingestion_bad_input import book, edited, workbook_layout
from warehouse.files import writable_name
from warehouse.lake import Outcome
from warehouse.languages import Language

NAME, BOOK, AREAS = "dala_2025q4.csv", "book_2025q4.xlsx", "areas_2025q4.zip"
_AREA_LAYOUT = {
    "layout": "test/areas", "sender": "test_dala", "sender_title": "Test operator",
    "extract": "operator_coverage_areas", "description": "Areas as the operator draws them.",
    "file_pattern": r"areas_(?P<year>\d{4})q(?P<quarter>\d)\.(zip|geojson)", "format": "features",
    "geometry": {"crs": "EPSG:4326"},
    "columns": {
        "as_of_date": {"quarter_end": {"year": "{year}", "quarter": "{quarter}"}},
        "operator_id": {"value": "dala_telecom"},
        **{name: {"from": name} for name in ("area_id", "technology", "environment", "min_download_mbps")},
    },
}  # fmt: skip
# What the largest of these files may take beyond what the process had: none is worth a hundredth of what it asks for.
_MOST_MEMORY_KIB = 1_500_000


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    made = Warehouse(tmp_path)
    made.layouts["test/book"] = layout(workbook_layout())  # type: ignore[arg-type]
    made.layouts["test/areas"] = layout(_AREA_LAYOUT)
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield made
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < _MOST_MEMORY_KIB


def refused(warehouse: Warehouse, name: str, content: bytes, rule: str) -> Outcome:
    """The file is rejected for the rule; a sound one beside it is taken."""
    warehouse.put(name, content)
    warehouse.file(edited(Дата="30.09.2025"), name="dala_2025q3.csv")
    outcomes = warehouse.run()
    assert outcomes[name].rule == rule, outcomes[name].message
    assert outcomes["dala_2025q3.csv"].outcome == "accepted"
    return outcomes[name]


def packed(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def with_sheet(change: bytes, by: bytes) -> bytes:
    """The sound workbook with other text in its sheets."""
    with zipfile.ZipFile(io.BytesIO(book())) as whole:
        return packed(
            {
                name: whole.read(name).replace(change, by) if "sheet" in name else whole.read(name)
                for name in whole.namelist()
            }
        )


def claiming(content: bytes, size: int) -> bytes:
    """An archive whose directory says of each member that it unpacks to `size` bytes."""
    damaged = bytearray(content)
    at = damaged.find(b"PK\x01\x02")
    while at >= 0:
        damaged[at + 24 : at + 28] = struct.pack("<I", size)
        at = damaged.find(b"PK\x01\x02", at + 4)
    return bytes(damaged)


# --- Larger than memory -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [BOOK, AREAS])
def test_a_zip_bomb_is_not_unpacked(warehouse: Warehouse, name: str) -> None:
    one = (MOST_UNPACKED_BYTES >> 1) - 1
    bomb = claiming(packed({f"xl/worksheets/sheet{i}.xml": b"0" * 10_000 for i in range(3)}), one)
    assert len(bomb) < 2_000
    told = refused(warehouse, name, bomb, "too_large")
    assert "3 files of 6143 MB" in str(told.message)


def test_a_real_bomb_of_zeros_is_refused_by_its_size(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_UNPACKED_BYTES", 20 << 20)
    bomb = packed({"xl/worksheets/sheet1.xml": bytes(64 << 20)})
    assert len(bomb) < 100_000
    refused(warehouse, BOOK, bomb, "too_large")


@pytest.mark.parametrize(
    "far",
    [
        pytest.param(b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', id="the last cell there is"),
        pytest.param(b'<row r="1048576"><c r="ZZ1048576"><v>1</v></c></row>', id="two letters"),
        pytest.param(b"<row r='1048576'><c r='ZZ1048576'><v>1</v></c></row>", id="single quotes"),
        pytest.param(b'<row r = "1048576" ><c r = "ZZ1048576" ><v>1</v></c></row>', id="spaces"),
        pytest.param(b'<row><c r="ZZ1048576"><v>1</v></c></row>', id="a row without its number"),
        pytest.param(b'<row r="1048576"><c r="ZZ1048576"><f>A1</f></c></row>', id="a formula without value"),
        pytest.param(b'<row r="1048576"><c r="ZZ99999999999"><f>A1</f></c></row>', id="beyond any sheet"),
    ],
)
def test_one_cell_far_out_does_not_make_a_sheet_of_billions(warehouse: Warehouse, far: bytes) -> None:
    warehouse.put(BOOK, with_sheet(b"</sheetData>", far + b"</sheetData>"))
    warehouse.file(edited(Дата="30.09.2025"), name="dala_2025q3.csv")
    outcomes = warehouse.run()
    assert outcomes["dala_2025q3.csv"].outcome == "accepted"
    if b"ZZ99999999999" in far:
        # Such a cell is nowhere, and its sheet is no larger for it.
        assert outcomes[BOOK].rule in (None, "unreadable_workbook")
    else:
        assert outcomes[BOOK].rule == "too_large", outcomes[BOOK].message


def test_a_sheet_outside_its_folder_is_measured_as_well(warehouse: Warehouse) -> None:
    far = b"<row r='1048576'><c r='ZZ1048576'><v>1</v></c></row></sheetData>"
    with zipfile.ZipFile(io.BytesIO(with_sheet(b"</sheetData>", far))) as whole:
        members = {
            name.replace("worksheets/", "elsewhere/"): whole.read(name).replace(b"worksheets/", b"elsewhere/")
            for name in whole.namelist()
        }
    refused(warehouse, BOOK, packed(members), "too_large")


def test_a_workbook_behind_a_password_is_an_outcome(warehouse: Warehouse) -> None:
    locked = bytearray(book())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = locked.find(mark)
        while at >= 0:
            locked[at + flags] |= 1
            at = locked.find(mark, at + 4)
    refused(warehouse, BOOK, bytes(locked), "unreadable_workbook")


def test_a_damaged_xls_that_asks_for_all_memory_is_refused(warehouse: Warehouse) -> None:
    """A cell of an old workbook whose column was overwritten: seen in fuzzing, it took 21 GB and the machine."""
    old = xlwt.Workbook()
    sheet = old.add_sheet("Данные")
    sheet.write(0, 0, 1.5)
    sheet.write(65_535, 255, 2.5)
    out = io.BytesIO()
    old.save(out)
    content = out.getvalue()
    # A short number: its record's type and length, row and column.
    cell = struct.pack("<HHHH", 0x027E, 10, 65_535, 255)
    assert content.count(cell) == 1
    warehouse.layouts["test/book"] = layout(
        workbook_layout() | {"file_pattern": r"book_(?P<year>\d{4})q(?P<quarter>\d)\.xls"}  # type: ignore[arg-type]
    )
    bad = content.replace(cell, struct.pack("<HHHH", 0x027E, 10, 65_535, 65_535))
    refused(warehouse, "book_2025q4.xls", bad, "too_large")


def test_a_header_of_countless_columns(warehouse: Warehouse) -> None:
    header = ";".join([HEADER, *(f"x{i}" for i in range(200_000))])
    refused(warehouse, NAME, f"{header}\r\n{ROW}\r\n".encode("cp1251"), "too_large")
    assert MOST_COLUMNS < 200_000


def test_one_field_without_an_end(warehouse: Warehouse) -> None:
    field = "x" * (2 * LONGEST_LINE_BYTES)
    refused(warehouse, NAME, f"{HEADER}\r\n{edited(Село=field)}\r\n".encode("cp1251"), "too_large")


def test_a_header_without_an_end(warehouse: Warehouse) -> None:
    refused(warehouse, NAME, b"x" * (2 * LONGEST_LINE_BYTES), "too_large")


def test_deep_json(warehouse: Warehouse) -> None:
    deep = b'{"type":"FeatureCollection","features":[' + b"[" * 500_000
    warehouse.put("areas_2025q4.geojson", deep)
    assert warehouse.run()["areas_2025q4.geojson"].rule == "unreadable_features"


@pytest.mark.parametrize(
    ("records", "rule", "words"),
    [
        ([{key: [{"v": i} for i in range(3_000)] for key in "abc"}], "unreadable_file", "'a', 'b', 'c'"),
        ([{"o": {"a": [{"v": 1}]}, "o.a": [{"v": 1}]}], "unreadable_file", "'o', 'o.a'"),
        ([{"a": [{"b": [{"v": 1}], "c": [{"v": 1}]}]}], "unreadable_file", "'b', 'c'"),
        ([{"a": [[{"v": 1}] * 3_000] * 3}], "unreadable_file", "lists of lists of records, 'a'"),
        ([{"a": list(range(60_000))}], "too_large", "60000 columns"),
        ([{"a": {f"k{i}": i for i in range(3_000)}}], "too_large", "3000 columns"),
    ],
)
def test_records_do_not_multiply(
    tmp_path: Path, records: list[dict[str, object]], rule: str, words: str
) -> None:
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps(records), encoding="utf-8")
    with pytest.raises(FileRejected, match=words) as told:
        read_records(answer, layout(FILING), tmp_path)
    assert told.value.rule == rule


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('[{"a": 1}, {"a": {"b": 1}}]', "record 2: 'a' is an object, where in record 1 it is a plain value"),
        (
            '[{"a": {"b": [1]}}, {"a": {}}, {"a": {"b": {}}}]',
            "record 3: 'a.b' is an object, where in record 1 it is a list",
        ),
        ('[{"a": 1}, [2]]', "record 2: the record is a list, where in record 1 it is an object"),
        ('[{"a": NaN}]', "NaN is no number of JSON"),
        ('[{"a": 1},\n{"a": }]', "no JSON, Expecting value: line 2 column 7"),
        ('[{"a":' * 100_000, "no JSON, maximum recursion depth"),
    ],
)
def test_records_that_are_no_table_are_told_by_their_place(tmp_path: Path, body: str, words: str) -> None:
    answer = tmp_path / "answer.json"
    answer.write_text(body, encoding="utf-8")
    with pytest.raises(FileRejected, match=re.escape(words)) as told:
        read_records(answer, layout(FILING), tmp_path)
    assert told.value.rule == "unreadable_file"
    assert len(str(told.value)) < 600


def test_a_drawing_around_the_whole_world(warehouse: Warehouse) -> None:
    ring = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]
    properties = {"area_id": "a", "technology": "4g", "environment": "outdoor", "min_download_mbps": 5}
    area = {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    content = json.dumps({"type": "FeatureCollection", "features": [area]}).encode()
    warehouse.put("areas_2025q4.geojson", content)
    assert warehouse.run()["areas_2025q4.geojson"].rule in ("wrong_crs", "no_rows_accepted")


# --- Reaching elsewhere -------------------------------------------------------------------------------------


def test_an_archive_within_an_archive_is_not_opened(warehouse: Warehouse) -> None:
    nested = packed({"inner.zip": packed({"areas.shp": b"x"})})
    told = refused(warehouse, AREAS, nested, "unreadable_features")
    assert "it holds: inner.zip" in str(told.message)


@pytest.mark.parametrize("inside", ["/etc/cron.d/areas", "../../../areas", "..\\areas", "C:\\areas"])
def test_paths_in_an_archive_lead_nowhere(warehouse: Warehouse, tmp_path: Path, inside: str) -> None:
    before = {path for path in tmp_path.rglob("*") if "home" not in path.parts}
    content = packed({f"{inside}.{part}": b"x" * 200 for part in ("shp", "shx", "dbf", "prj")})
    refused(warehouse, AREAS, content, "unreadable_features")
    after = {path for path in tmp_path.rglob("*") if "home" not in path.parts}
    assert {path.name for path in after - before} <= {AREAS, "dala_2025q3.csv"}
    assert not list(Path("/etc").glob("**/areas.*"))


def test_links_pipes_sockets_and_devices_are_not_opened(warehouse: Warehouse, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(f"{HEADER}\r\n{ROW}\r\n".encode("cp1251"))
    (warehouse.inbox / "dala_2024q1.csv").symlink_to(secret)
    os.mkfifo(warehouse.inbox / "dala_2024q2.csv")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(warehouse.inbox / "dala_2024q3.csv"))
    (warehouse.inbox / "dala_2023").symlink_to(tmp_path)
    names = [*(f"dala_2024q{quarter}.csv" for quarter in (1, 2, 3)), "dala_2023"]
    if os.geteuid() == 0:
        os.mknod(warehouse.inbox / "dala_2024q4.csv", 0o666 | 0o020000, os.makedev(1, 5))
        names.append("dala_2024q4.csv")
    outcomes = warehouse.run()
    assert {outcomes[name].rule for name in names} == {"not_a_file"}
    landed = b"".join(path.read_bytes() for path in warehouse.home.landing.glob("??/*"))
    assert ROW.encode("cp1251") not in landed


@pytest.mark.parametrize(
    "name",
    [
        b"\xff\xfedala_2025q3.csv",
        b"dala_\n2025q3.csv",
        b"-dala_2025q3.csv",
        b"dala'; drop table x;--_2025q3.csv",
        b"<script>alert(1)<_script>#1?a=%41.csv",
        "dala_\u202e2025q3.csv".encode(),
        b"x" * 230 + b".csv",
    ],
    ids=["no_utf_8", "line_break", "dash", "sql", "markup", "right_to_left", "long"],
)
def test_odd_names_of_files_end_no_run(warehouse: Warehouse, tmp_path: Path, name: bytes) -> None:
    content = f"{HEADER}\r\n{ROW}\r\n".encode("cp1251")
    warehouse.put("dala_2025q4.csv", content)
    odd = warehouse.inbox / os.fsdecode(name)
    odd.write_bytes(content)
    for _ in range(2):
        outcomes = warehouse.run()
        assert outcomes["dala_2025q4.csv"].outcome == "accepted"
        assert outcomes[writable_name(Path(odd.name))].rule == "unmatched"
    assert json.dumps(deliveries([warehouse.inbox]), ensure_ascii=False).encode()
    (answer,) = check_files([odd])
    written = write_answer(answer, odd, tmp_path / "answers", Language.en)
    (page,) = (path for path in written if path.suffix == ".html")
    links = re.findall(r'<a href="([^"]*)"', page.read_text(encoding="utf-8"))
    assert len(links) == 2
    assert all((page.parent / unquote(link)).is_file() for link in links)


def test_entities_are_not_expanded(warehouse: Warehouse) -> None:
    levels = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 10))
    bomb = b'<!DOCTYPE x [<!ENTITY l0 "lol"><!ENTITY f SYSTEM "file:///etc/passwd">' + levels + b"]>"
    sheet = with_sheet("ВОЛС".encode(), b"&l9;&f;")
    with zipfile.ZipFile(io.BytesIO(sheet)) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    for name in list(members):
        if "sheet" in name or "sharedStrings" in name:
            head, mark, rest = members[name].partition(b"?>")
            members[name] = (head + mark + bomb + rest).replace("ВОЛС".encode(), b"&l9;&f;")
    warehouse.put(BOOK, packed(members))
    outcome = warehouse.run()[BOOK]
    assert not outcome.is_accepted
    assert "root:" not in str(outcome.message)
    assert "lollol" not in str(outcome.message)


# --- Words that are code elsewhere --------------------------------------------------------------------------


def test_sql_and_markup_in_cells_and_names_stay_text(warehouse: Warehouse) -> None:
    words = "с.'), drop table x, --<script>alert(1)</script>{{7*7}}"
    warehouse.file(ROW, edited(КАТО="", Село=words))
    odd = "тарифы'); drop table x; --<script>alert(2)<b>.csv".replace("/", "")
    warehouse.put(odd, "x")
    outcomes = warehouse.run()
    assert (3, "place_not_found", "Село", words) in warehouse.reasons(outcomes[NAME])
    assert outcomes[odd].rule == "unmatched"
    pages = list(warehouse.home.answers.rglob("*.html"))
    assert pages
    for page in pages:
        told = page.read_text(encoding="utf-8")
        assert "<script>alert" not in told
        assert "49" not in told or "{{7*7}}" in told


@pytest.mark.parametrize(
    "told",
    [
        "layout: !!python/object/apply:os.system ['touch planted']",
        "layout: !!python/name:os.system",
        "a: &a [1]\nb: !include /etc/passwd",
    ],
)
def test_tags_in_a_layout_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "test" / "evil.yaml"
    path.parent.mkdir()
    path.write_text(told)
    with pytest.raises(LayoutError, match=r"evil\.yaml"):
        read_layout(path)
    assert not (tmp_path / "planted").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"layout": "../../outside/evil"},
        {"layout": "/etc/evil"},
        {"extract": "../../operator_availability"},
        {"sender": "../../../evil"},
    ],
)
def test_a_layout_cannot_name_a_place_outside_its_folder(tmp_path: Path, change: dict[str, str]) -> None:
    path = tmp_path / "test" / "availability.yaml"
    path.parent.mkdir()
    path.write_text(json.dumps(FILING | change, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(LayoutError):
        read_layout(path)
