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


def test_receipts_and_notes_that_are_damaged_get_new_ones(warehouse: Warehouse) -> None:
    receipts = sorted((warehouse.home.landing / "receipts").iterdir())
    cut(receipts[-1])
    cut(warehouse.home.landing / "seen.json")
    assert warehouse.run()["dala_2025q4.csv"].is_current
    now = sorted((warehouse.home.landing / "receipts").iterdir())
    assert len(now) == len(receipts) + 1, "the damaged one stays where it lies"
    assert json.loads(now[-1].read_bytes())["file_name"] == "dala_2025q4.csv"


def test_a_damaged_receipt_is_written_anew_under_its_number(warehouse: Warehouse) -> None:
    """With another number its delivery would count as sent again."""
    before = warehouse.run()
    receipts = sorted((warehouse.home.landing / "receipts").iterdir())
    for receipt in receipts:
        told = json.loads(receipt.read_bytes())
        cut(receipt)
        assert warehouse.run() == before
        again = json.loads(receipt.read_bytes())
        assert {**again, "received_at": told["received_at"]} == told
    assert sorted((warehouse.home.landing / "receipts").iterdir()) == receipts


@pytest.mark.parametrize("damage", [{"received_order": None}, {"received_order": "1"}, {"received_at": None}])
def test_a_receipt_of_the_wrong_shape_is_a_damaged_one(
    warehouse: Warehouse, damage: dict[str, object]
) -> None:
    receipts = sorted((warehouse.home.landing / "receipts").iterdir())
    for receipt in receipts:
        receipt.write_text(json.dumps({**json.loads(receipt.read_bytes()), **damage}), encoding="utf-8")
    assert warehouse.run()["dala_2025q4.csv"].is_current


def test_a_delivery_whose_outcome_is_damaged_is_read_anew(warehouse: Warehouse) -> None:
    before = warehouse.run()
    for path in (warehouse.home.lake / "outcomes").glob("*.json"):
        cut(path)
    assert warehouse.run() == before
