"""Releases over time: going back, keeping by a rule, and quoting a figure as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from tests.unit.audit_kit import home_in, small_country
from tests.unit.test_releases import failing_itu, released
from warehouse.history import RollbackRefused, events, history_file, rollback, write_history
from warehouse.paths import Home
from warehouse.releases import ReleaseInfo, current_release, list_releases
from warehouse.retention import expired, keep_from_environment, retain

invoke = CliRunner().invoke


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with two releases, the later one without the figure of ITU."""
    home = home_in(tmp_path)
    monkeypatch.setenv("QAMTU_HOME", str(home.root))
    released(small_country(), home)
    released(failing_itu(), home)
    return home


def ids(home: Home) -> list[str]:
    """Both, the earlier first: they were published at the same moment of the tests."""
    later = current_release(home)
    assert later is not None
    (earlier,) = [each.publication_id for each in list_releases(home) if each.path != later]
    return [earlier, later.name]


def quoted(home: Home, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(history_file(home)), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_rollback_moves_current_back_and_a_run_does_not_undo_it(home: Home) -> None:
    earlier, later = ids(home)
    answer = invoke(app, ["rollback", earlier])
    assert (answer.exit_code, f"{earlier} is current again; {later} stands" in answer.stdout) == (0, True)
    assert home.current.readlink().name == earlier
    again = released(failing_itu(), home)
    assert (again.held_back, home.current.readlink().name) == (True, earlier), (
        "the same result is not taken up again"
    )
    other = released(failing_itu(), home, "code-2")
    assert (other.held_back, current_release(home)) == (False, other.path), "another one is"
    assert [event.event for event in events(home)] == ["published", "published", "rolled_back", "published"]
    assert rollback(home, later) == other.publication_id, "whoever goes to it by name gets it"


def test_a_rollback_to_what_is_not_whole_is_refused(home: Home) -> None:
    earlier, later = ids(home)
    victim = home.published / earlier / "csv" / "fct_metric.csv"
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes() + b"x")
    answer = invoke(app, ["rollback", earlier])
    assert (answer.exit_code, "csv/fct_metric.csv was changed" in answer.stderr) == (4, True)
    assert home.current.readlink().name == later
    assert invoke(app, ["rollback", "pub-unknown"]).exit_code == 4
    with pytest.raises(RollbackRefused, match=r"no such release; there are pub-"):
        rollback(home, "pub-unknown")


def test_a_rollback_to_the_current_release_changes_nothing(home: Home) -> None:
    before = len(events(home))
    answer = invoke(app, ["rollback", ids(home)[1], "--json"])
    assert (answer.exit_code, json.loads(answer.stdout)["moved"], len(events(home))) == (0, False, before)


def test_a_figure_is_quoted_as_it_was(home: Home) -> None:
    earlier, later = ids(home)
    rows = quoted(
        home, "select release, value, status from history.fct_metric where metric_id like 'itu%' order by 3"
    )
    assert rows == [(earlier, 91.6, "published"), (later, None, "withheld")]
    rollback(home, earlier, datetime(2026, 3, 1, 12, tzinfo=UTC))
    days = "history.on_day(date '2026-01-05'), history.on_day(date '2026-02-01'), history.on_day(date '2026-03-02')"
    assert quoted(home, f"select {days}") == [(None, later, earlier)]
    once = "select value from history.fct_metric where metric_id like 'itu%' and release = history.on_day(date '{}')"
    assert quoted(home, once.format("2026-02-01")) == [(None,)]
    assert quoted(home, once.format("2026-03-01")) == [(91.6,)]
    stretches = quoted(
        home, "select release, is_current from history.release order by current_from, is_current"
    )
    assert (stretches[-1], len(stretches)) == ((earlier, True), 3)


def test_history_reads_what_can_be_read(home: Home) -> None:
    """A damaged file of an old release keeps nobody from publishing or quoting."""
    earlier, later = ids(home)
    victim = home.published / earlier / "parquet" / "fct_metric.parquet"
    victim.chmod(0o644)
    victim.write_bytes(b"no parquet")
    write_history(home)
    assert quoted(home, "select distinct release from history.fct_metric") == [(later,)]


def test_a_line_of_the_log_that_was_cut_short_is_left_out(home: Home) -> None:
    log = home.published / "history.jsonl"
    log.write_text(log.read_text() + '{"at": "2026-')
    rollback(home, ids(home)[0])
    assert [event.event for event in events(home)] == ["published", "published", "rolled_back"]


def info(number: int, published_at: str, current: bool = False, previous: str | None = None) -> ReleaseInfo:
    name = f"pub-{number:012d}"
    return ReleaseInfo(name, Path(name), f"{published_at}T00:00:00+00:00", previous, True, 1, 0, current)


LISTED = [
    info(1, "2025-01-10"), info(2, "2025-03-30"), info(3, "2025-04-02"), info(4, "2025-05-01"),
    info(5, "2025-05-02"), info(6, "2025-05-03", current=True, previous="pub-000000000004"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("keep", "gone"),
    [(None, []), (6, []), (4, [1]), (3, [1, 3]), (1, [1, 3, 5])],
)
def test_the_rule_keeps_the_current_the_one_before_and_the_last_of_each_quarter(
    keep: int | None, gone: list[int]
) -> None:
    """1 and 2 are of one quarter, 3 to 6 of the next; 4 stood before the current one."""
    assert [int(each.publication_id[-3:]) for each in expired(LISTED, keep)] == gone


def test_after_a_rollback_the_current_one_is_kept_however_old() -> None:
    listed = [*LISTED[:5], info(6, "2025-05-03")]
    listed[0] = info(1, "2025-01-10", current=True)
    assert 1 not in [int(each.publication_id[-3:]) for each in expired(listed, 1)]
    assert expired([info(1, "2025-01-10"), info(2, "2025-01-11")], 1) == [], (
        "without a current one nothing goes"
    )


def test_what_is_removed_is_told_and_gone(home: Home) -> None:
    for number in (2, 3):
        released(failing_itu(), home, f"code-{number}")
    names = {each.path.name for each in list_releases(home)}
    shown = invoke(app, ["releases", "--keep", "1"])
    assert shown.exit_code == 0
    assert {each.path.name for each in list_releases(home)} == names, "only --prune removes"
    answer = invoke(app, ["releases", "--keep", "1", "--prune", "--json"])
    removed = {entry["folder"] for entry in json.loads(answer.stdout)["removed"]}
    assert len(removed) >= 1
    assert {each.path.name for each in list_releases(home)} == names - removed
    assert not removed.intersection(path.name for path in home.published.iterdir())
    assert current_release(home) is not None
    assert [event.publication_id for event in events(home) if event.event == "removed"] != []
    assert {row[0] for row in quoted(home, "select release from history.meta_publication")} == names - removed


def test_by_default_every_release_is_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keep_from_environment() is None
    assert retain(home, keep_from_environment()) == []
    monkeypatch.setenv("QAMTU_KEEP_RELEASES", "0")
    with pytest.raises(ValueError, match="give a whole number from 1"):
        keep_from_environment()
    monkeypatch.setenv("QAMTU_KEEP_RELEASES", "3")
    assert keep_from_environment() == 3


def test_a_release_says_what_changed_against_the_one_before(home: Home) -> None:
    later = current_release(home)
    assert later is not None
    document = json.loads((later / "publication.json").read_bytes())
    assert document["revisions"]["compared_with"] == ids(home)[0]
    answer = invoke(app, ["diff"])
    assert answer.exit_code == 0, answer.stderr
    assert invoke(app, ["diff", "pub-unknown"]).exit_code == 1
    first = invoke(app, ["diff", ids(home)[0], ids(home)[0], "--json"])
    assert json.loads(first.stdout)["revisions"] == []
