"""dbt inside this process, on a small project of its own: what is built, tested, dropped, and parsed again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.audit import run_audit
from orchestration import dbt_engine
from orchestration.dbt_engine import DbtError, build, build_arguments, due_arguments, ensure_manifest
from orchestration.periods import Due
from warehouse.paths import PROJECT_DIR, Home

FILES = {
    "dbt_project.yml": "name: small\nversion: '1.0'\nprofile: small\n"
    "models: {+schema: marts, +materialized: table}\nseeds: {+schema: seeds}\n",
    "profiles.yml": "small: {target: d, outputs: {d: {type: duckdb, path: \"{{ env_var('QAMTU_BUILD_FILE') }}\"}}}\n",
    "macros/schema.sql": "{% macro generate_schema_name(name, node) %}{{ name }}{% endmacro %}",
    "seeds/codes.csv": "code\n1\n2\n",
    "models/first.sql": "select code from {{ ref('codes') }}",
    "models/second.sql": "select code from {{ ref('first') }}",
    "models/other.sql": "select {{ var('one', 1) }} as one",
    "models/m.yml": "models:\n- {name: first, columns: [{name: code, data_tests: [unique]}]}\n"
    "- {name: other, columns: [{name: one, data_tests: [not_null]}]}\n",
}

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """The small project; call it to change a file."""
    project = tmp_path / "small"

    def put(name: str, text: str) -> None:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)

    for name, text in FILES.items():
        put(name, text)
    monkeypatch.setattr(dbt_engine, "PROJECT", project)
    return put


def tables(home: Home) -> set[str]:
    """Relations that stand in the build file; opening it read-only shows that nobody holds it."""
    query = "select table_name from information_schema.tables"
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        return {name for (name,) in connection.execute(query).fetchall()}


def statuses(results: list[dbt_engine.NodeResult]) -> dict[str, str]:
    return {result.unique_id.split(".")[2]: result.status for result in results}


def test_everything_is_built_and_tested(home: Home, write: Write) -> None:
    ensure_manifest(home)
    lines: list[str] = []
    outcome = build(home, on_line=lines.append)
    assert statuses(outcome.models) == dict.fromkeys(("codes", "first", "second", "other"), "success")
    assert statuses(outcome.tests) == dict.fromkeys(("unique_first_code", "not_null_other_one"), "pass")
    assert tables(home) == {"codes", "first", "second", "other"}
    assert outcome.row_counts["seeds.codes"] == 2
    assert len(lines) == 6
    kept = json.loads((home.dbt_target / "run_results.json").read_text())
    assert len(kept["results"]) == 6, "models and tests stand in one file, for the audit"


def test_a_failed_test_keeps_no_model_from_being_built(home: Home, write: Write) -> None:
    write("seeds/codes.csv", "code\n1\n1\n")
    ensure_manifest(home)
    outcome = build(home)
    assert statuses(outcome.tests)["unique_first_code"] == "fail"
    assert next(r.failures for r in outcome.tests if r.status == "fail") == 1
    assert outcome.not_built == []
    assert "second" in tables(home)


def test_a_model_that_fails_leaves_nothing_old_standing(home: Home, write: Write) -> None:
    ensure_manifest(home)
    build(home)
    write("models/first.sql", "select no_such_column as code from {{ ref('codes') }}")
    ensure_manifest(home)
    outcome = build(home)
    assert statuses(outcome.not_built) == {"first": "error", "second": "skipped"}
    assert tables(home) == {"codes", "other"}
    assert statuses(outcome.tests) == {"unique_first_code": "error"}
    assert [proof.status for proof in outcome.proved.values()] == ["pass"], (
        "that of the table that still stands"
    )


def test_a_model_that_is_gone_is_dropped(home: Home, write: Write) -> None:
    ensure_manifest(home)
    build(home)
    (dbt_engine.PROJECT / "models" / "second.sql").unlink()
    ensure_manifest(home)
    build(home)
    assert tables(home) == {"codes", "first", "other"}


def test_a_seed_may_change_its_types(home: Home, write: Write) -> None:
    ensure_manifest(home)
    build(home)
    write("seeds/codes.csv", "code\nA1\nB2\n")
    ensure_manifest(home)
    assert build(home).not_built == []


def test_a_part_can_be_built_and_tested_alone(home: Home, write: Write) -> None:
    ensure_manifest(home)
    build(home)
    outcome = build(home, models=["fqn:small.other"], tests=["fqn:small.not_null_other_one"])
    assert statuses(outcome.models) == {"other": "success"}
    assert statuses(outcome.tests) == {"not_null_other_one": "pass"}
    assert tables(home) == {"codes", "first", "second", "other"}
    assert build(home, models=[], tests=["fqn:small.unique_first_code"]).models == []


def test_the_project_is_parsed_only_when_it_changed(
    home: Home, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[str] = []
    invoke = dbt_engine._invoke

    def counted(home: Home, arguments: list[str], *more: Any) -> Any:
        commands.append(arguments[0])
        return invoke(home, arguments, *more)

    monkeypatch.setattr(dbt_engine, "_invoke", counted)
    ensure_manifest(home)
    ensure_manifest(home)
    assert commands == ["parse"]
    write("models/other.sql", "select 2 as one")
    ensure_manifest(home)
    assert commands == ["parse", "parse"]


def test_a_project_that_cannot_be_parsed_says_why(home: Home, write: Write) -> None:
    write("models/other.sql", "select * from {{ ref('nobody') }}")
    with pytest.raises(DbtError, match="nobody") as caught:
        ensure_manifest(home)
    assert "dbt.log" in str(caught.value)


def test_a_build_file_in_use_is_an_error_that_may_pass(home: Home, write: Write, tmp_path: Path) -> None:
    import subprocess
    import sys

    from orchestration.retries import is_passing

    ensure_manifest(home)
    build(home)
    program = (
        f"import duckdb; c = duckdb.connect({str(home.build_file)!r}); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(Exception, match="lock") as caught:
            build(home)
        assert is_passing(caught.value)
        holder.stdin.write("\n")
        holder.stdin.close()


# --- No work for nothing --------------------------------------------------------------------------------------------


@pytest.fixture
def audited(home: Home, write: Write) -> Home:
    """A home whose build is proved."""
    ensure_manifest(home)
    build(home)
    run_audit(home, suites=())
    return home


def test_what_stands_and_is_proved_is_left_alone(audited: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("dbt was called")

    monkeypatch.setattr(dbt_engine, "_invoke", never)
    outcome = build(audited)
    assert (outcome.models, outcome.tests) == ([], [])
    assert [name.rsplit(".", 1)[-1] for name in outcome.kept] == ["first", "other", "second", "codes"]
    assert [proof.status for proof in outcome.proved.values()] == ["pass", "pass"]
    assert run_audit(audited, suites=()).counts() == {"pass": 6}


def test_what_was_built_is_proved_before_any_audit(home: Home, write: Write) -> None:
    """Two runs at once: the second builds before the first has come to its audit."""
    ensure_manifest(home)
    build(home)
    second = build(home)
    assert (second.models, second.tests) == ([], [])
    assert run_audit(home, suites=()).counts() == {"pass": 6}
    third = build(home)
    assert (third.models, third.tests) == ([], [])


def test_a_change_reaches_what_is_made_of_it_and_nothing_else(audited: Home, write: Write) -> None:
    write("seeds/codes.csv", "code\n1\n2\n3\n")
    ensure_manifest(audited)
    outcome = build(audited)
    assert set(statuses(outcome.models)) == {"codes", "first", "second"}
    assert set(statuses(outcome.tests)) == {"unique_first_code"}
    assert run_audit(audited, suites=()).counts() == {"pass": 6}
    write("dbt_project.yml", FILES["dbt_project.yml"] + "vars: {one: 2}\n")
    ensure_manifest(audited)
    build(audited)
    assert rows(audited, "other") == [(2,)], "a variable stands in no model's text"


def test_a_build_file_that_somebody_touched_is_built_anew(audited: Home) -> None:
    with duckdb.connect(str(audited.build_file)) as connection:
        connection.execute("update marts.other set one = 7")
    outcome = build(audited)
    assert len(outcome.models) == 4
    assert run_audit(audited, suites=()).counts() == {"pass": 6}


def test_a_table_whose_proof_is_lost_is_built_and_tested_again(audited: Home) -> None:
    for path in audited.ledger.glob("*.parquet"):
        path.unlink()
    outcome = build(audited)
    assert (len(outcome.models), len(outcome.tests), outcome.kept) == (4, 2, [])
    assert run_audit(audited, suites=()).counts() == {"pass": 6}


def test_a_build_that_breaks_off_is_begun_again(
    audited: Home, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("seeds/codes.csv", "code\n1\n2\n3\n")
    ensure_manifest(audited)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(dbt_engine.Build, "_run_tests", killed)
        with pytest.raises(KeyboardInterrupt):
            build(audited)
    outcome = build(audited)
    assert len(outcome.models) == 4, "what was written without being remembered is not trusted"
    assert run_audit(audited, suites=()).counts() == {"pass": 6}


def test_rows_that_an_incremental_model_keeps_fall_with_their_proof_and_with_their_code(
    home: Home, write: Write
) -> None:
    header = "{{ config(materialized='incremental') }} "
    write("models/grown.sql", header + "select code, 1 as arithmetic from {{ ref('codes') }}")
    ensure_manifest(home)
    assert build(home).not_built == []
    run_audit(home, suites=())
    for path in home.ledger.glob("*.parquet"):
        path.unlink()
    assert build(home).not_built == []
    assert rows(home, "grown") == [(1, 1), (2, 1)], "nothing unproved is built upon"
    write("models/grown.sql", header + "select code, 2 as arithmetic from {{ ref('codes') }}")
    ensure_manifest(home)
    build(home)
    assert rows(home, "grown") == [(1, 2), (2, 2)]


def test_of_a_table_kept_by_period_only_what_is_due_is_made_anew(home: Home, write: Write) -> None:
    macro = PROJECT_DIR / "dbt_project" / "macros" / "by_period.sql"
    write("macros/by_period.sql", macro.read_text(encoding="utf-8"))
    kept = (
        "{{ config(materialized='by_period') }} "
        "select cast(day as date) as as_of_date, %d as made "
        "from (values ('2025-06-30'), ('2025-09-30'), ('2025-12-31'), ('2026-03-31')) as days (day) where day <= '%s'"
    )

    def made(turn: int, last: str, due: Due | None) -> list[int]:
        """In which turn the rows of each date were made."""
        write("models/kept.sql", kept % (turn, last))
        ensure_manifest(home)
        arguments = build_arguments(["fqn:small.kept"]) + due_arguments({"kept": due} if due else {})
        (result,) = dbt_engine._invoke(home, arguments).results
        assert result.status == "success", result.message
        return [number for _, number in rows(home, "kept")]

    home.build.mkdir(parents=True)
    everything = Due(since="2020-01-01")
    assert made(1, "2025-12-31", everything) == [1, 1, 1], "without a table all of it is built"
    assert made(2, "2026-03-31", Due(dates=("2026-03-31",))) == [1, 1, 1, 2]
    assert made(3, "2026-03-31", Due(dates=("2025-06-30", "2025-12-31"))) == [3, 1, 3, 2]
    assert made(4, "2026-03-31", Due(since="2025-10-01")) == [3, 1, 4, 4]
    assert made(5, "2026-03-31", Due()) == [3, 1, 4, 4]
    assert made(6, "2025-12-31", Due(dates=("2026-03-31",))) == [3, 1, 4], "rows of a date that is gone go"
    assert made(7, "2025-12-31", None) == [7, 7, 7]


def test_parts_built_in_turn_are_remembered_together(audited: Home, write: Write) -> None:
    build(audited, models=["fqn:small.other"], tests=[])
    build(audited, models=["fqn:small.first"], tests=[])
    assert build(audited).models == []


def test_a_table_built_alone_on_older_code_is_not_built_upon(home: Home, write: Write) -> None:
    view = "{{ config(materialized='view') }} select code, %d as arithmetic from {{ ref('codes') }}"
    write("models/above.sql", view % 1)
    grown = "{{ config(materialized='incremental') }} select code, arithmetic from {{ ref('above') }}"
    write("models/grown.sql", grown)
    ensure_manifest(home)
    build(home)
    run_audit(home, suites=())
    write("models/above.sql", view % 2)
    ensure_manifest(home)
    build(home, models=["fqn:small.grown"], tests=[])
    build(home)
    assert rows(home, "grown") == [(1, 2), (2, 2)]


def rows(home: Home, table: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        return connection.execute(f"from marts.{table} order by all").fetchall()
