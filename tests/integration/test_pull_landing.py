"""From a sender's folder to outcomes: what lands of archives and Shapefiles, and what ingestion makes of it."""

from __future__ import annotations

import gzip
import json
import shutil
import zipfile
from pathlib import Path
from typing import IO

import pytest
from typer.testing import CliRunner

from ingestion.pipeline import ingest
from ingestion.pull import places
from ingestion.pull.places import copy
from ingestion.sender import Sender
from orchestration import standing
from orchestration.cli import app
from tests.integration.pull_kit import entry, landed, pulled
from tests.unit.ingestion_kit import HEADER, ROW, Warehouse
from warehouse.lake import Outcome
from warehouse.paths import Home

FILING = "\r\n".join([HEADER, ROW, ""]).encode("cp1251")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder the sender leaves its files in."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    for layout in made.layouts.values():
        pattern = f"(?:.*/)?{layout.file_pattern}"
        made.layouts[layout.layout_id] = layout.model_copy(update={"file_pattern": pattern})
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    monkeypatch.setattr("ingestion.pull.session.load_layouts", lambda: made.layouts)
    return made


def everything(folder: Path) -> dict[str, object]:
    return {"uri": f"file://{folder}", "files": ["**"]}


def outcomes(warehouse: Warehouse) -> dict[str, Outcome]:
    return {o.file_name: o for o in ingest(warehouse.home, warehouse.inbox).extracts}


def test_a_pulled_filing_becomes_rows_and_is_processed_once(warehouse: Warehouse, out: Path) -> None:
    (out / "dala_2025q4.csv").write_bytes(FILING)
    pulled(warehouse.home, everything(out))
    first = outcomes(warehouse)["test_dala/dala_2025q4.csv"]
    assert (first.outcome, first.rows_accepted) == ("accepted", 1)
    pulled(warehouse.home, everything(out))
    report = ingest(warehouse.home, warehouse.inbox)
    assert (report.processed, report.reused) == (0, 3)


def test_a_corrected_filing_takes_the_place_of_the_first(warehouse: Warehouse, out: Path) -> None:
    (out / "dala_2025q4.csv").write_bytes(FILING)
    pulled(warehouse.home, everything(out))
    outcomes(warehouse)
    (out / "dala_2025q4.csv").write_bytes(FILING.replace(b";900", b";901"))
    pulled(warehouse.home, everything(out))
    current = outcomes(warehouse)["test_dala/dala_2025q4.csv"]
    assert current.is_current
    assert warehouse.part("accepted", current)["households_connected"].to_list() == [901]


def test_each_member_of_an_archive_is_a_delivery_of_its_own(warehouse: Warehouse, out: Path) -> None:
    with zipfile.ZipFile(out / "all.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("2025/dala_2025q4.csv", FILING)
        packed.writestr("letter.txt", "Good day")
    (out / "dala_2026q1.csv.gz").write_bytes(gzip.compress(FILING.replace(b"31.12.2025", b"31.03.2026")))
    pulled(warehouse.home, everything(out))
    found = outcomes(warehouse)
    assert found["test_dala/all.zip/2025/dala_2025q4.csv"].outcome == "accepted"
    assert found["test_dala/dala_2026q1.csv"].as_of_date == "2026-03-31"
    assert found["test_dala/all.zip/letter.txt"].outcome == "unmatched"
    origin = landed(warehouse.home)["test_dala/all.zip/letter.txt"][1].origin
    assert origin is not None
    assert (origin.archive, origin.uri) == ("all.zip", f"file://{out}/all.zip")


def test_an_unsafe_archive_lands_closed_and_is_an_outcome(warehouse: Warehouse, out: Path) -> None:
    with zipfile.ZipFile(out / "all.zip", "w") as packed:
        packed.writestr("dala_2025q4.csv", FILING)
        packed.writestr("../../etc/cron.d/x", "* * * * * root true")
    pulled(warehouse.home, everything(out))
    refused = outcomes(warehouse)["test_dala/all.zip"]
    assert (refused.outcome, refused.rule) == ("rejected", "unsafe_archive")
    assert "'../../etc/cron.d/x' leads out of the archive" in str(refused.message)
    assert landed(warehouse.home)["test_dala/all.zip"][0] == (out / "all.zip").read_bytes()
    assert not list((warehouse.home.landing / "incoming" / "pulls").iterdir())


@pytest.mark.parametrize("writes", [1, 99])
def test_a_file_that_is_still_being_written_lands_whole_or_not_at_all(
    writes: int, home: Home, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing = out / "dala_2025q4.csv"
    filing.write_bytes(b"1\n")
    left = [b"2\n"] * writes

    def copied_while_it_grows(source: IO[bytes], target: IO[bytes]) -> None:
        copy(source, target)
        if left:
            filing.write_bytes(filing.read_bytes() + left.pop())

    monkeypatch.setattr(places, "copy", copied_while_it_grows)
    (told,) = pulled(home, everything(out)).files
    if writes == 1:
        assert landed(home)["test_dala/dala_2025q4.csv"][0] == b"1\n2\n"
    else:
        assert (told.status, "still writing it" in str(told.message)) == ("failed", True)
        assert not landed(home)


def test_an_archive_that_a_layout_reads_stays_one(warehouse: Warehouse, out: Path) -> None:
    known = next(iter(warehouse.layouts.values()))
    warehouse.layouts["test/zip"] = known.model_copy(update={"file_pattern": r".*/tiles\.zip"})
    with zipfile.ZipFile(out / "tiles.zip", "w") as packed:
        packed.writestr("a.csv", "1")
    assert pulled(warehouse.home, everything(out)).files[0].file_names == ("test_dala/tiles.zip",)


def test_the_parts_of_a_shapefile_land_together_and_again_when_one_changes(home: Home, out: Path) -> None:
    for suffix in ("shp", "shx", "dbf", "prj", "cpg"):
        (out / f"adm1.{suffix}").write_text(suffix)
    assert pulled(home, everything(out)).files[0].file_names == ("test_dala/adm1.shp",)
    assert pulled(home, everything(out)).files[0].status == "unchanged"
    (out / "adm1.cpg").write_text("UTF-8")
    assert pulled(home, everything(out)).files[0].status == "landed"
    (receipt,) = [receipt for _, receipt in landed(home).values()]
    with zipfile.ZipFile(home.landing / receipt.sha256[:2] / f"{receipt.sha256}.zip") as packed:
        assert packed.namelist() == [f"adm1.{suffix}" for suffix in ("cpg", "dbf", "prj", "shp", "shx")]


def test_the_command_tells_what_came_and_the_next_run_finds_it_new(
    home: Home, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "dala_2025q4.csv").write_bytes(FILING)
    monkeypatch.setenv("QAMTU_HOME", str(home.root))
    known: dict[str, Sender] = {"test_dala": entry(everything(out)), "test_arman": entry()}
    monkeypatch.setattr("ingestion.pull.session.load_senders", lambda: known)
    before = standing.deliveries([home.inbox, home.pulled_receipts])
    run = CliRunner().invoke(app, ["pull", "--json"])
    assert run.exit_code == 0, run.output
    (told,) = json.loads(run.stdout)
    assert (told["status"], told["files"]) == ("landed", ["test_dala/dala_2025q4.csv"])
    assert standing.deliveries([home.inbox, home.pulled_receipts]) != before
    assert "1 unchanged" in CliRunner().invoke(app, ["pull", "test_dala"]).stdout
    unknown = CliRunner().invoke(app, ["pull", "test_arman"])
    assert (unknown.exit_code, "there is one for test_dala" in unknown.output) == (2, True)
    shutil.rmtree(out)
    assert CliRunner().invoke(app, ["pull"]).exit_code == 4
