"""The lake keeps the hash of what it accepted, and a file that was changed there is read anew."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.unit.ingestion_kit import ROW, Warehouse
from tests.unit.test_ingestion_bad_input import edited
from warehouse import lake
from warehouse.files import sha256_of
from warehouse.parts import NOTE, SCHEMA_FILE


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    return made


def sealed(warehouse: Warehouse) -> dict[str, str]:
    """What the consolidated record says of accepted files: path and hash."""
    found = pl.read_parquet(warehouse.home.lake / "meta" / "accepted_part.parquet")
    assert found.schema == lake.PART_SCHEMA
    return dict(zip(found["path"], found["sha256"], strict=True))


def standing(warehouse: Warehouse) -> dict[str, str]:
    root = warehouse.home.lake
    return {
        path.relative_to(root).as_posix(): sha256_of(path)
        for path in root.glob("accepted/*/extract_id=*/*.parquet")
    }


def test_every_accepted_file_is_recorded_with_its_hash(warehouse: Warehouse) -> None:
    warehouse.file(ROW)
    warehouse.file(ROW, ROW, name="dala_2025q3.csv")  # wrong quarter: rejected, so nothing of it is accepted
    outcomes = warehouse.run()
    assert sealed(warehouse) == standing(warehouse)
    assert len(sealed(warehouse)) == 3
    kept = {one.extract_id: one for one in lake.read_outcomes(warehouse.home)}
    for outcome in outcomes.values():
        assert kept[outcome.extract_id].accepted_parts == outcome.accepted_parts
        assert bool(outcome.accepted_parts) is outcome.is_accepted
    assert [one.outcome for one in outcomes.values() if not one.is_accepted] == ["rejected"]
    again = warehouse.run()
    assert sealed(warehouse) == standing(warehouse)
    assert {name: one.accepted_parts for name, one in again.items()} == {
        name: one.accepted_parts for name, one in outcomes.items()
    }


def test_records_are_written_once_and_put_right_where_they_are_not_as_they_were(warehouse: Warehouse) -> None:
    warehouse.file(ROW)
    warehouse.run()
    meta = warehouse.home.lake / "meta"
    written = {path.name: (path.stat().st_ino, path.read_bytes()) for path in meta.glob("*.parquet")}
    warehouse.run()
    assert {path.name: path.stat().st_ino for path in meta.glob("*.parquet")} == {
        name: inode for name, (inode, _) in written.items()
    }
    (meta / "decision.parquet").unlink()
    pl.DataFrame({"extract_id": ["of nobody"]}).write_parquet(meta / "extract.parquet")
    warehouse.run()
    assert {path.name: path.read_bytes() for path in meta.glob("*.parquet")} == {
        name: content for name, (_, content) in written.items()
    }
    before = pl.read_parquet(meta / "extract.parquet").height
    warehouse.file(ROW, ROW, name="dala_2025q3.csv")
    warehouse.run()
    assert pl.read_parquet(meta / "extract.parquet").height == before + 1


@pytest.mark.parametrize("fault", ["changed", "gone"])
def test_a_file_that_is_not_as_it_was_accepted_is_read_anew(warehouse: Warehouse, fault: str) -> None:
    warehouse.file(ROW)
    outcome = warehouse.run()["dala_2025q4.csv"]
    before = warehouse.part("accepted", outcome)
    path = warehouse.home.lake / outcome.accepted_parts[0][0]
    assert lake.is_whole(warehouse.home, outcome)
    if fault == "changed":
        before.clear().write_parquet(path)
    else:
        path.unlink()
    kept = {one.extract_id: one for one in lake.read_outcomes(warehouse.home)}[outcome.extract_id]
    assert not lake.is_whole(warehouse.home, kept)
    again = warehouse.run()["dala_2025q4.csv"]
    assert warehouse.part("accepted", again).equals(before)
    assert lake.is_whole(warehouse.home, again)
    assert sealed(warehouse) == standing(warehouse)


@pytest.mark.parametrize("part", ["quarantined", "duplicate"])
def test_rows_that_were_not_accepted_are_not_lost_either(warehouse: Warehouse, part: str) -> None:
    warehouse.file(ROW, ROW, edited(Охвачено="many"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    before = warehouse.part(part, outcome)
    assert before.height == 1
    (path,) = (warehouse.home.lake / part).glob("*/extract_id=*/part-*.parquet")
    path.unlink()
    again = warehouse.run()["dala_2025q4.csv"]
    assert again == outcome
    assert warehouse.part(part, again).equals(before)


@pytest.mark.parametrize("text", ["", "5", "[1]", "null", '{"part-0.parquet": 5}', '{"part-0.parquet": [1]}'])
def test_a_note_of_what_was_verified_may_be_anything(warehouse: Warehouse, text: str) -> None:
    warehouse.file(ROW)
    outcome = warehouse.run()["dala_2025q4.csv"]
    note = (warehouse.home.lake / outcome.accepted_parts[0][0]).with_name(NOTE)
    assert note.is_file()
    note.write_text(text)
    assert lake.is_whole(warehouse.home, outcome)


@pytest.mark.parametrize("content", [b"", b"no parquet at all"])
def test_columns_of_a_kind_that_were_damaged_are_written_again(warehouse: Warehouse, content: bytes) -> None:
    warehouse.file(ROW)
    warehouse.run()
    columns = {
        path: path.read_bytes() for path in (warehouse.home.lake / "accepted").glob(f"*/{SCHEMA_FILE}")
    }
    assert columns
    for path in columns:
        path.write_bytes(content)
    warehouse.run()
    assert {path: path.read_bytes() for path in columns} == columns
