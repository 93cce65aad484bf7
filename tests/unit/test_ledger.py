"""The ledger: evidence is kept, in order, and a damaged file counts as missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from expectations.ledger import Evidence, append, read_ledger

ROW = Evidence(
    check_id="coverage.percentages",
    kind="gx",
    suite_version="v1",
    tables=("marts.fct_coverage_by_technology",),
    fingerprint="f1",
    status="pass",
    blocking=True,
    observed="12 rows looked at",
    failing_count=0,
    offending_rows='[{"kato": "100000000"}]',
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    append(tmp_path, [ROW, replace(ROW, check_id="other")])
    assert read_ledger(tmp_path).rows == (ROW, replace(ROW, check_id="other"))


def test_nothing_to_add_writes_nothing(tmp_path: Path) -> None:
    assert append(tmp_path / "ledger", []) is None
    assert read_ledger(tmp_path / "ledger").rows == ()


def test_the_latest_of_a_key_wins_by_order_of_arrival(tmp_path: Path) -> None:
    append(tmp_path, [replace(ROW, status="error")])
    append(tmp_path, [ROW])
    append(tmp_path, [replace(ROW, fingerprint="f2", status="fail")])
    latest = read_ledger(tmp_path).latest()
    assert latest[ROW.key].status == "pass"
    assert latest[("coverage.percentages", "v1", "f2")].status == "fail"


def test_a_truncated_file_is_left_out_and_named(tmp_path: Path) -> None:
    first = append(tmp_path, [ROW])
    second = append(tmp_path, [replace(ROW, check_id="other")])
    assert first is not None
    assert second is not None
    first.write_bytes(first.read_bytes()[:-10])
    ledger = read_ledger(tmp_path)
    assert [row.check_id for row in ledger.rows] == ["other"]
    assert ledger.damaged == (first.name,)


def test_a_file_changed_by_hand_is_left_out(tmp_path: Path) -> None:
    path = append(tmp_path, [replace(ROW, status="fail")])
    forged = append(tmp_path / "elsewhere", [ROW])
    assert path is not None
    assert forged is not None
    path.write_bytes(forged.read_bytes())
    assert read_ledger(tmp_path).rows == ()


def test_half_written_files_are_not_looked_at(tmp_path: Path) -> None:
    append(tmp_path, [ROW])
    (tmp_path / ".tmp-00000002-0123456789abcdef.parquet").write_bytes(b"PAR1")
    (tmp_path / "notes.parquet").write_bytes(b"PAR1")
    assert read_ledger(tmp_path) == read_ledger(tmp_path)
    assert read_ledger(tmp_path).damaged == ()


def test_many_files_become_one_and_no_row_is_lost(tmp_path: Path) -> None:
    for number in range(70):
        append(
            tmp_path,
            [replace(ROW, fingerprint=f"f{number}"), replace(ROW, status="error" if number < 69 else "pass")],
        )
    ledger = read_ledger(tmp_path)
    assert len(list(tmp_path.glob("*.parquet"))) < 10
    assert len(ledger.rows) == 140
    assert [row.fingerprint for row in ledger.rows[::2]] == [f"f{number}" for number in range(70)]
    assert ledger.latest()[ROW.key].status == "pass"


def test_a_text_of_any_alphabet_survives(tmp_path: Path) -> None:
    row = replace(ROW, observed="Ақмола облысы: 101 % > 100 %")
    append(tmp_path, [row])
    assert read_ledger(tmp_path).rows == (row,)
