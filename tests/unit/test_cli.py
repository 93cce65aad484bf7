"""The command line: arguments, exit codes, what it prints, and what it does not import."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import orchestration.run
from orchestration.cli import app
from orchestration.environment import Engine
from orchestration.progress import Progress
from orchestration.run import RunError, RunResult
from warehouse import lake
from warehouse.lake import Outcome
from warehouse.paths import Home

invoke = CliRunner().invoke


@pytest.fixture(autouse=True)
def _own_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAMTU_HOME", str(home.root))


def pretend(monkeypatch: pytest.MonkeyPatch, result: RunResult | BaseException) -> list[Sequence[Path]]:
    """Put a result in the place of the pipeline; returns the inboxes it is called with."""
    called: list[Sequence[Path]] = []

    def run_pipeline(
        home: Home, inboxes: Sequence[Path], progress: Progress, debug: bool, engine: Engine, pull: bool
    ) -> RunResult:
        called.append(inboxes)
        if isinstance(result, BaseException):
            raise result
        progress.seconds.update(result.seconds)
        return result

    monkeypatch.setattr(orchestration.run, "run_pipeline", run_pipeline)
    return called


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--sample", "--inbox", "."],
        ["run", "--inbox", "/no/such/folder"],
        ["run", "--no-such-option"],
        ["run", "--engine", "postgres"],
        ["check"],
        ["check", "/no/such/file.csv"],
        ["check", "--no-report", "--report", "x", __file__],
        ["check", "--language", "de", __file__],
        ["sample"],
        ["sample", "--out", "x", "--addresses", "0"],
        ["ui", "--port", "70000"],
        ["explain"],
        ["explain", "population", "--as-of", "2025"],
        ["explain", "population", "--top", "0"],
        ["verify", "/no/such/folder"],
        ["rollback"],
        ["releases", "--keep", "0"],
        ["no-such-command"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert invoke(app, arguments).exit_code == 2


@pytest.mark.parametrize(
    "command",
    ["run", "check", "status", "sample", "ui", "explain", "diff", "verify", "rollback", "releases"],
)
def test_every_command_has_help(command: str) -> None:
    answer = invoke(app, [command, "--help"])
    assert answer.exit_code == 0
    assert len(answer.stdout.splitlines()) > 5


@pytest.mark.parametrize("code", [1, 4])
def test_run_ends_with_the_code_of_its_result(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    pretend(monkeypatch, RunResult(code, "run", errors=("dbt: could not build",), seconds={"dbt": 2.0}))
    answer = invoke(app, ["run"])
    assert answer.exit_code == code
    assert "error    dbt: could not build" in answer.stderr
    assert "time     dbt 2.0 = 2.0 s" in answer.stderr
    assert "Nothing was published; there is no earlier release." in answer.stderr
    assert answer.stdout == ""


def test_run_takes_the_home_inbox_or_those_named(
    monkeypatch: pytest.MonkeyPatch, home: Home, tmp_path: Path
) -> None:
    called = pretend(monkeypatch, RunResult(4, "run"))
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    invoke(app, ["run"])
    invoke(app, ["run", "--inbox", str(first), "--inbox", str(second)])
    assert called == [[home.inbox], [first, second]]
    assert home.inbox.is_dir()


def test_run_answers_in_json_alone_on_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, RunResult(4, "run-1", errors=("x",), seconds={"dbt": 1.23456}))
    answer = invoke(app, ["run", "--json"])
    document = json.loads(answer.stdout)
    assert document == {
        "exit_code": 4, "publication": None, "path": None, "metrics_published": 0, "metrics_withheld": 0,
        "errors": ["x"], "seconds": {"dbt": 1.235}, "dagster_run_id": "run-1", "scorecard": None,
    }  # fmt: skip


def test_an_error_is_one_line_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, RunError("another `qamtu run` is at work\non this home"))
    answer = invoke(app, ["run"])
    assert answer.exit_code == 1
    assert answer.stderr.splitlines() == [
        "qamtu: another `qamtu run` is at work on this home (more with --debug)"
    ]


def test_an_interrupt_is_told_and_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, KeyboardInterrupt())
    answer = invoke(app, ["run"])
    assert answer.exit_code == 130
    assert answer.stderr == "qamtu: interrupted; what was published stands as it is\n"


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, ValueError("here"))
    answer = invoke(app, ["run", "--debug"])
    assert isinstance(answer.exception, ValueError)


def test_status_before_the_first_release_says_so(home: Home) -> None:
    answer = invoke(app, ["status"])
    assert answer.exit_code == 4
    assert f"Nothing has been published in {home.root} yet" in answer.stdout
    told: dict[str, Any] = json.loads(invoke(app, ["status", "--json"]).stdout)
    assert told == {"home": str(home.root), "publication": None}


def test_check_refuses_a_file_that_no_layout_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "tariffs.csv"
    file.write_text("a;b\n1;2\n")
    answer = invoke(app, ["check", str(file)])
    assert answer.exit_code == 4
    assert "no layout knows this file name" in answer.stdout
    (told,) = json.loads(invoke(app, ["check", "--json", str(file)]).stdout)
    assert (told["outcome"], told["layout"], told["faults"]) == ("unmatched", None, [])


@pytest.fixture
def filing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A filing of an operator of the sample country with one good row and one of level 9, beside an empty folder."""
    header = (
        "Область;Район;Населённый пункт;КАТО;Технология;Уровень;Скорость загрузки, кбит/с;Скорость отдачи, Мбит/с;"
        "Охвачено домохозяйств;Подключено домохозяйств;Примечание"
    )
    good = "область Абай;Абайский район;с.Карааул;103230100;xDSL;4;8 000;1;832;179;"
    file = tmp_path / "sample_dala" / "availability_2025q4.csv"
    file.parent.mkdir()
    bad = good.replace(";4;", ";9;").replace("103230100", "103230200")
    file.write_text(f"{header}\n{good}\n{bad}\n", encoding="cp1251")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return file


def test_check_shows_each_fault_with_place_value_and_remedy(filing: Path) -> None:
    answer = invoke(app, ["check", str(filing)])
    assert answer.exit_code == 3
    for told in (
        "Accepted but for 1 faulty rows", "SAMPLE", "sample_dala/operator_availability", "above maximum",
        "above the highest value", "were not checked",
    ):  # fmt: skip
        assert told in " ".join(answer.stdout.split())
    assert sorted(path.name.removeprefix(f"{filing.name}.answer.") for path in Path("qamtu-check").iterdir()) == [
        "en.html", "json", "kk.html", "ru.html", "xlsx",
    ]  # fmt: skip


def test_check_speaks_the_language_asked_for_or_that_of_the_terminal(
    filing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ru_RU.UTF-8")
    assert "кроме строк с ошибками" in invoke(app, ["check", str(filing), "--no-report"]).stdout
    kazakh = invoke(app, ["check", str(filing), "--language", "kk", "--no-report"]).stdout
    assert "қате жолдардан басқасы" in kazakh
    assert not Path("qamtu-check").exists()


def test_check_for_a_script_writes_only_where_it_is_told_to(filing: Path) -> None:
    (told,) = json.loads(invoke(app, ["check", "--json", str(filing)]).stdout)
    assert told["totals"] == [{"rule": "above_maximum", "column": "Уровень", "rows": 1}]
    assert not any(Path.cwd().iterdir())
    invoke(app, ["check", "--json", "--report", "out", str(filing)])
    assert (Path("out") / f"{filing.name}.answer.json").is_file()


def test_accept_takes_only_what_is_held(home: Home) -> None:
    lake.record(
        home,
        Outcome(
            extract_id="dala.q4", sender="dala", extract_kind="operator_availability", layout_id="dala/availability",
            file_name="q4.csv", sha256="0" * 64, size_bytes=1, received_order=1, outcome="accepted", series="dala/q4",
        ),
    )  # fmt: skip
    for name, said in (("dala.q4", "not held"), ("dala.q5", "no delivery of that name")):
        answer = invoke(app, ["accept", name, "--reason", "The network was sold."])
        assert answer.exit_code == 1
        assert f"{name}: {said}" in answer.stderr
    assert invoke(app, ["accept", "dala.q4"]).exit_code == 2, "a reason is asked for"


@pytest.mark.parametrize("arguments", [["explain", "population"], ["diff"], ["verify"]])
def test_what_asks_of_releases_says_that_there_is_none(arguments: list[str], home: Home) -> None:
    answer = invoke(app, arguments)
    assert answer.exit_code in (1, 4)
    assert "nothing has been published" in answer.stderr or "cannot be read" in answer.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["status"], ["verify", "."]])
def test_help_and_status_answer_at_once(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from orchestration.cli import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit: pass\n"
        "slow = {'dagster', 'dbt', 'great_expectations', 'pandas', 'polars', 'sqlalchemy'}\n"
        f"slow |= {{'duckdb', 'pyarrow'}} if {arguments[0] == 'verify'} else set()\n"
        "slow &= set(sys.modules)\n"
        "sys.exit(f'imported {slow}' if slow else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_checking_a_file_needs_nothing_of_the_warehouse(filing: Path) -> None:
    program = (
        "import sys\n"
        "from orchestration.cli import app\n"
        f"try: app(['check', {str(filing)!r}])\n"
        "except SystemExit as end: assert end.code == 3, end.code\n"
        "extra = {'dagster', 'dbt', 'great_expectations', 'babel', 'cryptography', 'xlsxwriter', 'xlwt'}\n"
        "extra |= {'aiohttp', 'asyncssh', 's3fs', 'tenacity'}\n"
        "extra &= set(sys.modules)\n"
        "sys.exit(f'imported {extra}' if extra else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
