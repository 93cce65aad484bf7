"""The small pure parts of orchestration: quarters, owners, retries, arrivals, code versions, progress."""

from __future__ import annotations

import datetime as dt
import io
import os
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context
from rich.console import Console

from orchestration.automation import Cursor, listing_hash, only_the_build_failed
from orchestration.code_version import code_version, source_files, tree_hash
from orchestration.owners import as_owner
from orchestration.partitions import QUARTERS, quarter_key, quarter_name
from orchestration.progress import Progress, current, watching
from orchestration.retries import Interrupted, is_passing, only_passing_failures_retried
from orchestration.run import RunError, _only_run
from warehouse.paths import Home


@pytest.mark.parametrize(
    ("day", "key", "name"),
    [
        ("2025-12-31", "2025-10-01", "2025Q4"),
        ("2026-01-01", "2026-01-01", "2026Q1"),
        ("2024-03-31", "2024-01-01", "2024Q1"),
        ("2021-12-31", "2021-10-01", "2021Q4"),
    ],
)
def test_a_date_lies_in_its_quarter(day: str, key: str, name: str) -> None:
    assert quarter_key(dt.date.fromisoformat(day)) == key
    assert quarter_name(key) == name
    with partition_loading_context(effective_dt=dt.datetime(2026, 2, 1, tzinfo=dt.UTC)):
        assert QUARTERS.has_partition_key(key)


def test_there_is_no_quarter_before_the_first_filings() -> None:
    assert quarter_key(dt.date(2021, 9, 30)) is None


def test_the_quarter_that_runs_has_a_partition() -> None:
    with partition_loading_context(effective_dt=dt.datetime(2025, 11, 5, 12, tzinfo=dt.UTC)):
        assert QUARTERS.get_last_partition_key() == "2025-10-01"


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("Operators", "team:operators"),
        ("team:data-engineering", "team:data-engineering"),
        ("Bureau of National Statistics", "team:bureau-of-national-statistics"),
        ("data-engineering@qamtu.kz", "data-engineering@qamtu.kz"),
        ("", None),
    ],
)
def test_owners_are_teams_or_addresses(name: str, owner: str | None) -> None:
    assert as_owner(name) == owner


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (ConnectionResetError("connection reset by peer"), True),
        (OSError(5, "Input/output error"), True),
        (duckdb.IOException("IO Error: Could not set lock on file"), True),
        (FileNotFoundError("no such file"), False),
        (PermissionError("not allowed"), False),
        (ValueError("a number is no number"), False),
    ],
)
def test_only_what_may_pass_is_worth_another_try(error: Exception, passing: bool) -> None:
    assert is_passing(error) is passing
    wrapped = RuntimeError("dbt failed")
    wrapped.__cause__ = error
    assert is_passing(wrapped) is passing


def test_a_lasting_failure_ends_the_step_at_once() -> None:
    with pytest.raises(dg.Failure, match="ValueError: no number") as caught, only_passing_failures_retried():
        raise ValueError("no number")
    assert caught.value.allow_retries is False
    with pytest.raises(OSError, match="gone"), only_passing_failures_retried():
        raise OSError("gone")


@pytest.mark.parametrize(
    "interrupt",
    [KeyboardInterrupt(), dg.DagsterExecutionInterruptedError(), RuntimeError("Query interrupted")],
)
def test_an_interrupt_is_not_tried_again(interrupt: BaseException) -> None:
    with pytest.raises(Interrupted) as caught, only_passing_failures_retried():
        raise interrupt
    assert caught.value.allow_retries is False


def test_a_run_is_asked_for_once_files_stand_still() -> None:
    cursor, wanted = Cursor().next("a")
    assert not wanted, "seen for the first time: it may still be growing"
    cursor, wanted = cursor.next("a")
    assert wanted
    cursor, wanted = Cursor.parse(cursor.dump()).next("a")
    assert not wanted, "asked for already"
    cursor, wanted = cursor.next("b")
    assert not wanted
    cursor, wanted = cursor.next("b")
    assert wanted


def asked_for(listings: str, failures: str = "") -> list[str]:
    """Keys of the runs asked for while the inbox shows these listings; the run of one in `failures` fails."""
    cursor, keys = Cursor(), []
    for now in listings:
        cursor, wanted = Cursor.parse(cursor.dump()).next(now, has_failed=cursor.requested in [*failures])
        keys += [cursor.run_key] if wanted else []
    return keys


def test_an_inbox_that_comes_back_to_an_earlier_listing_is_asked_for_anew() -> None:
    """Dagster drops a request whose key it has seen."""
    assert asked_for("aabbaabb") == ["a-1", "b-2", "a-3", "b-4"]


def test_a_run_that_failed_is_asked_for_once_more() -> None:
    assert asked_for("aaaaaa", failures="a") == ["a-1", "a-2"]
    assert asked_for("aaaabbbb", failures="ab") == ["a-1", "a-2", "b-3", "b-4"]


def test_a_cursor_of_an_earlier_version_goes_on() -> None:
    cursor = Cursor.parse('{"seen": "a", "requested": "a"}')
    assert cursor.next("a") == (cursor, False)


def test_an_empty_inbox_asks_for_nothing() -> None:
    assert Cursor(seen="", requested="a").next("", has_failed=True)[1] is False


def test_a_damaged_cursor_starts_afresh() -> None:
    texts = ["[1]", "{", None, '{"requests": "x"}', '{"requests": [1]}']
    assert {Cursor.parse(text) for text in texts} == {Cursor()}


def test_the_listing_knows_new_changed_and_renamed_files(tmp_path: Path) -> None:
    assert listing_hash([tmp_path]) == listing_hash([tmp_path / "absent"]) == ""
    file = tmp_path / "dala" / "a.csv"
    file.parent.mkdir()
    file.write_text("1")
    seen = {listing_hash([tmp_path])}
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "b.csv.part").write_text("half")
    assert listing_hash([tmp_path]) in seen
    file.write_text("12")
    seen.add(listing_hash([tmp_path]))
    os.utime(file, ns=(1, 1))
    seen.add(listing_hash([tmp_path]))
    file.rename(tmp_path / "c.csv")
    seen.add(listing_hash([tmp_path]))
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("steps", "alone"), [(["dbt"], True), (["sample_dala"], False), (["dbt", "audit"], False), ([], False)]
)
def test_only_a_failed_build_leads_to_the_release(steps: list[str], alone: bool) -> None:
    assert only_the_build_failed(steps) is alone


def test_the_tree_hash_follows_content_and_name_but_not_place(tmp_path: Path) -> None:
    def tree(root: str, name: str, text: str) -> Path:
        folder = tmp_path / root / "pkg"
        folder.mkdir(parents=True)
        (folder / name).write_text(text)
        return folder

    first = tree_hash([tree("a", "m.py", "x = 1")])
    assert tree_hash([tree("b", "m.py", "x = 1")]) == first
    assert tree_hash([tree("c", "n.py", "x = 1")]) != first
    assert tree_hash([tree("d", "m.py", "x = 2")]) != first


def test_generated_files_are_no_sources(tmp_path: Path) -> None:
    for name in ("a.sql", "target/b.sql", "__pycache__/c.py", ".cache/d.py", "e.pyc", "models/f.yml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert [path.relative_to(tmp_path).as_posix() for path in source_files(tmp_path)] == [
        "a.sql",
        "models/f.yml",
    ]


def test_the_code_version_is_a_tree_hash() -> None:
    assert code_version().startswith("tree-")
    assert len(code_version()) == len("tree-") + 12


def test_stages_are_timed_and_the_rest_goes_to_its_own() -> None:
    progress = Progress()
    with progress.remainder("dagster"):
        for _ in range(2):
            with progress.stage("ingest"):
                pass
        with progress.stage("dbt"):
            pass
    assert list(progress.seconds) == ["ingest", "dbt", "dagster"]
    assert progress.timings().startswith("ingest 0.0 + dbt 0.0 + dagster 0.0 = 0.0 s")


def test_lines_go_to_the_console_as_they_are() -> None:
    stream = io.StringIO()
    progress = Progress(Console(file=stream, width=20))
    progress.line("rows [accepted]: 12 of a good many more than fit")
    assert stream.getvalue() == "rows [accepted]: 12 of a good many more than fit\n"


def test_whoever_watches_is_current_and_nobody_else() -> None:
    progress = Progress()
    with watching(progress):
        assert current() is progress
    assert current() is not progress


def test_two_runs_on_one_home_do_not_collide(home: Home) -> None:
    with _only_run(home), pytest.raises(RunError, match=f"process {os.getpid()}"), _only_run(home):
        pass
    with _only_run(home):
        pass
