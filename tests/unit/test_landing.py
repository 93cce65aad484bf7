"""What has landed stays what it was: copies that somebody changed are put right, damaged records get new ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.ingestion_kit import ROW, Warehouse
from warehouse.files import sha256_of


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    made.file(ROW)
    made.run()
    return made


def landed(warehouse: Warehouse) -> list[Path]:
    return sorted(warehouse.home.landing.glob("??/*"))


def overwrite(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"by hand")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


@pytest.mark.parametrize("damage", [overwrite, Path.unlink])
def test_a_landed_copy_that_was_changed_or_removed_is_put_right(
    warehouse: Warehouse, damage: Callable[[Path], None]
) -> None:
    before = landed(warehouse)
    assert len(before) == 3
    for path in before:
        damage(path)
    outcomes = warehouse.run()
    assert landed(warehouse) == before
    assert all(path.stem == sha256_of(path) for path in before)
    assert outcomes["dala_2025q4.csv"].outcome == "accepted"
    assert len(list((warehouse.home.landing / "receipts").iterdir())) == 3, "no delivery of its own"


def test_a_landed_copy_that_nobody_touched_is_not_read_again(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the file was copied")

    monkeypatch.setattr("warehouse.landing.Landing._copy", never)
    assert warehouse.run()["dala_2025q4.csv"].outcome == "accepted"


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


OF_OTHER_SHAPES = ("", "{}", "[]", "null", "5", '"x"', "[1]", '{"a": 1}')


def receipts_of(warehouse: Warehouse) -> list[Path]:
    return sorted((warehouse.home.landing / "receipts").glob("*.json"))


@pytest.mark.parametrize("text", OF_OTHER_SHAPES)
def test_receipts_that_are_damaged_are_put_right_however_many(warehouse: Warehouse, text: str) -> None:
    """With another number a delivery would count as sent again, after what was sent since."""
    before = warehouse.run()
    told = {path: path.read_bytes() for path in receipts_of(warehouse)}
    assert len(told) == 3
    for path in told:
        write(path, text)
    assert warehouse.run() == before
    assert {path: path.read_bytes() for path in receipts_of(warehouse)} == told


@pytest.mark.parametrize(
    "damage",
    [{"received_order": None}, {"received_order": 77}, {"received_at": None}, {"received_at": "yesterday"}],
)
def test_a_receipt_that_says_what_none_can_is_a_damaged_one(
    warehouse: Warehouse, damage: dict[str, object]
) -> None:
    before = warehouse.run()
    told = {path: path.read_bytes() for path in receipts_of(warehouse)}
    for path, content in told.items():
        write(path, json.dumps({**json.loads(content), **damage}))
    assert warehouse.run() == before
    assert {path: path.read_bytes() for path in receipts_of(warehouse)} == told


def test_without_its_copy_a_damaged_receipt_stays_and_its_delivery_gets_another(warehouse: Warehouse) -> None:
    (*_, last) = receipts_of(warehouse)
    cut(last)
    cut(warehouse.home.landing / "receipt_copies" / last.name)
    assert warehouse.run()["dala_2025q4.csv"].is_current
    assert len(receipts_of(warehouse)) == 4
    assert json.loads(receipts_of(warehouse)[-1].read_bytes())["file_name"] == "dala_2025q4.csv"


def test_a_file_among_receipts_that_is_none_is_passed_over(warehouse: Warehouse) -> None:
    before = warehouse.run()
    write(warehouse.home.landing / "receipts" / "copy of 1.json", receipts_of(warehouse)[0].read_text())
    assert warehouse.run() == before
    assert len(receipts_of(warehouse)) == 4


@pytest.mark.parametrize("text", [*OF_OTHER_SHAPES, "paths: 5", "paths: three"])
def test_a_note_of_what_was_seen_that_is_damaged_is_made_anew(warehouse: Warehouse, text: str) -> None:
    before = warehouse.run()
    seen = warehouse.home.landing / "seen.json"
    told = json.loads(seen.read_bytes())
    if text.startswith("paths"):
        text = json.dumps({path: 5 if "5" in text else mark[:3] for path, mark in told.items()})
    write(seen, text)
    assert warehouse.run() == before
    assert json.loads(seen.read_bytes()) == told


def outcomes_of(warehouse: Warehouse) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (warehouse.home.lake / "outcomes").glob("*.json")}


@pytest.mark.parametrize("is_in_the_inbox", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        *OF_OTHER_SHAPES,
        '{"rows_accepted": 999999, "rows_read": 999999}',
        '{"received_order": "1"}',
        '{"series": null}',
        '{"as_of_date": "x", "periods": ["x"]}',
        '{"extract_id": "another"}',
    ],
)
def test_a_delivery_whose_outcome_is_damaged_is_read_anew(
    warehouse: Warehouse, text: str, is_in_the_inbox: bool
) -> None:
    before = warehouse.run()
    told = outcomes_of(warehouse)
    assert len(told) == 3
    for path, content in told.items():
        write(path, json.dumps({**json.loads(content), **json.loads(text)}) if ":" in text else text)
    if not is_in_the_inbox:
        for path in warehouse.inbox.rglob("*.*"):
            path.unlink()
    assert warehouse.run() == before
    assert outcomes_of(warehouse) == told


def test_what_landed_is_read_again_only_as_it_was_received(warehouse: Warehouse) -> None:
    for path in outcomes_of(warehouse):
        if "dala" in path.name or "2025q4" in path.name:
            path.unlink()
    (filed,) = (path for path in warehouse.inbox.rglob("dala_2025q4.csv"))
    content = filed.read_bytes()
    filed.unlink()
    (copy,) = (path for path in landed(warehouse) if path.read_bytes() == content)
    overwrite(copy)
    refused = warehouse.run()["dala_2025q4.csv"]
    assert refused.rule == "unreadable_file"
    assert "was changed; leave the file in an inbox again" in str(refused.message)
    filed.write_bytes(content)
    assert warehouse.run()["dala_2025q4.csv"].outcome == "accepted"
