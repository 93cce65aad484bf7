"""A team's deployment: real Postgres, the services of `deploy/`, runs through the queue, backup and restore.

The tests stand in the order of a deployment's life and share one home.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import DagsterEventType

from orchestration.environment import POSTGRES_VARIABLE
from orchestration.instance import BUILD_POOL
from sample_country import PERIODS, generate
from tests.main_job_kit import Run, qamtu
from tests.team.postgres_kit import PASSWORD, Postgres, postgres
from tests.team.services_kit import DEPLOY, Services
from tests.team.services_kit import environment as deployed
from warehouse.files import sha256_of
from warehouse.paths import Home
from warehouse.verify import verify_release

RUNS = 3
RUN_SECONDS = 900
#: Steps that open the build file.
POOLED = ("dbt", "audit", "release")


@dataclass(frozen=True)
class Team:
    """A home and its services, after several runs were launched at once and all have ended."""

    home: Home
    inbox: Path
    server: Postgres
    services: Services
    launched: tuple[str, ...]

    def instance(self) -> dg.DagsterInstance:
        return instance_of(self.home)

    def told(self, run_id: str) -> str:
        """What a run said of its build."""
        with self.instance() as instance:
            logs = [entry.message for entry in instance.all_logs(run_id)]
        return "\n".join(message for message in logs if message.startswith("dbt: "))


def instance_of(home: Home) -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(str(home.dagster))


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running, pytest.MonkeyPatch.context() as environment:
        for name, value in running.environment.items():
            environment.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def team(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Two quarters of the sample, and as many runs as RUNS says, launched at once by way of the web server."""
    folder = tmp_path_factory.mktemp("team")
    generate(folder / "inbox", periods=PERIODS[-2:], faults=False)
    home = Home(folder / "home")
    with pytest.MonkeyPatch.context() as environment:
        url = server.create("qamtu")
        environment.setenv(POSTGRES_VARIABLE, url)
        told = deployed() | {
            POSTGRES_VARIABLE: url,
            "QAMTU_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster), "QAMTU_INBOX": str(folder / "inbox"),
            "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        services = Services(told, folder)
        services.start()
        try:
            services.wait_until_up()
            launched = tuple(launch(services) for _ in range(RUNS))
            with instance_of(home) as instance:
                wait_until_ended(instance, services)
            yield Team(home, folder / "inbox", server, services, launched)
        finally:
            services.stop()


def launch(services: Services) -> str:
    from dagster_graphql import DagsterGraphQLClient

    return DagsterGraphQLClient("127.0.0.1", port_number=services.web_port).submit_job_execution("refresh")


def wait_until_ended(instance: dg.DagsterInstance, services: Services) -> None:
    """Until no run is queued or at work, also none that a sensor asked for."""
    end = time.monotonic() + RUN_SECONDS
    while going := [run for run in instance.get_runs() if not run.is_finished]:
        assert time.monotonic() < end, f"{len(going)} runs have not ended; {services.logs()}"
        time.sleep(1)


def stretches(instance: dg.DagsterInstance) -> list[tuple[float, float, str]]:
    """From when to when a step that opens the build file was at work, over all runs."""
    kinds = {DagsterEventType.STEP_START, DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE}
    found = []
    for run in instance.get_runs():
        by_step: dict[str, list[float]] = {}
        for entry in instance.all_logs(run.run_id, of_type=kinds):
            if entry.step_key in POOLED:
                by_step.setdefault(str(entry.step_key), []).append(entry.timestamp)
        found += [(min(times), max(times), f"{step} of {run.run_id}") for step, times in by_step.items()]
    return sorted(found)


def test_runs_launched_at_once_all_finish(team: Team) -> None:
    with team.instance() as instance:
        ended = {run_id: instance.get_run_by_id(run_id) for run_id in team.launched}
        assert {run.status for run in ended.values() if run} == {dg.DagsterRunStatus.SUCCESS}, (
            team.services.logs()
        )
        queued = [
            bool(instance.all_logs(run_id, of_type=DagsterEventType.PIPELINE_ENQUEUED))
            for run_id in team.launched
        ]
    assert queued == [True] * RUNS, "through the queue"
    assert verify_release(team.home.current.resolve()) == []
    assert len(list(team.home.published.glob("pub-*"))) == 1, "of the same content"


def test_runs_are_at_work_at_the_same_time(team: Team) -> None:
    with team.instance() as instance:
        records = instance.get_run_records(dg.RunsFilter(run_ids=list(team.launched)))
    times = [(record.start_time or 0.0, record.end_time or 0.0) for record in records]
    assert all(
        start < other_end and other < end for (start, end), (other, other_end) in combinations(times, 2)
    )


def test_no_two_runs_have_the_build_file_at_once(team: Team) -> None:
    with team.instance() as instance:
        found = stretches(instance)
        assert instance.event_log_storage.get_concurrency_info(BUILD_POOL).active_slot_count == 0
    assert len(found) >= RUNS * len(POOLED)
    overlapping = [(one[2], other[2]) for one, other in pairwise(found) if other[0] < one[1]]
    assert overlapping == []


def test_the_first_builds_and_the_others_find_it_standing(team: Team) -> None:
    built = sorted("0 models and seeds built" not in team.told(run_id) for run_id in team.launched)
    assert built == [False] * (RUNS - 1) + [True]


def test_the_password_is_in_no_file_of_the_home(team: Team) -> None:
    assert PASSWORD in team.server.password_file.read_text()
    files = [path for path in team.home.dagster.rglob("*") if path.is_file()] + list(
        team.services.folder.glob("*.log")
    )
    assert [path.name for path in files if PASSWORD.encode() in path.read_bytes()] == []
    assert POSTGRES_VARIABLE in (team.home.dagster / "dagster.yaml").read_text()


def test_whoever_does_not_know_of_postgres_is_told(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (team.home.dagster / "dagster.yaml").read_text()
    monkeypatch.delenv(POSTGRES_VARIABLE)
    (team.inbox / "letter.txt").write_text("Good day")
    run = qamtu(team.home.root, "run", "--inbox", str(team.inbox))
    (team.inbox / "letter.txt").unlink()
    assert run.code == 1
    assert f"set {POSTGRES_VARIABLE}" in run.told
    assert (team.home.dagster / "dagster.yaml").read_text() == before


# --- Backup and restore; from here on the services are stopped ------------------------------------------------------


@dataclass(frozen=True)
class Restored:
    """The home as it was kept and put back, at another place and in another database; the first one is gone."""

    before: dict[str, str]
    runs: int
    home: Home
    inbox: Path


def script(name: str, folder: Path, home: Home, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(DEPLOY / name), str(folder)],
        env=os.environ | {"QAMTU_HOME": str(home.root)} | more,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


def test_no_backup_is_made_of_a_home_at_work(team: Team, tmp_path: Path) -> None:
    with (team.home.root / ".run.lock").open("a") as lock:
        subprocess.run(["flock", "--exclusive", str(lock.fileno())], pass_fds=[lock.fileno()], check=True)
        refused = script("backup.sh", tmp_path / "backup", team.home)
    assert refused.returncode == 1
    assert "a run is at work" in refused.stderr
    assert not (tmp_path / "backup").exists()


@pytest.fixture(scope="module")
def restored(team: Team, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    team.services.stop()
    folder = tmp_path_factory.mktemp("kept")
    kept = script("backup.sh", folder / "backup", team.home)
    assert kept.returncode == 0, kept.stderr
    with team.instance() as instance:
        runs = instance.get_runs_count()
    before = content_of(team.home)
    shutil.move(team.home.root, folder / "lost")
    home = Home(folder / "machine" / "home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(POSTGRES_VARIABLE, team.server.create("restored"))
        back = script("restore.sh", folder / "backup", home)
        assert back.returncode == 0, back.stderr + back.stdout
        yield Restored(before, runs, home, team.inbox)


def content_of(home: Home) -> dict[str, str]:
    """Release, and the hash of each of its files."""
    release = home.current.resolve()
    files = (path for path in sorted(release.rglob("*")) if path.is_file())
    return {"release": release.name} | {str(path.relative_to(release)): sha256_of(path) for path in files}


def test_a_restored_home_has_its_release_and_its_history(restored: Restored) -> None:
    assert content_of(restored.home) == restored.before
    assert verify_release(restored.home.current.resolve()) == []
    with instance_of(restored.home) as instance:
        assert instance.get_runs_count() == restored.runs >= RUNS


def test_a_run_on_a_restored_home_builds_nothing(restored: Restored) -> None:
    first = rerun(restored)
    told = " ".join(first.told.split())
    assert "0 models and seeds built, 0 of them not," in told
    assert "0 tests, 0 not passed," in told
    assert content_of(restored.home) == restored.before
    assert len(list(restored.home.published.glob("pub-*"))) == 1
    again = rerun(restored)
    assert f"nothing new: {restored.before['release']} stands" in again.told
    with instance_of(restored.home) as instance:
        assert instance.get_runs_count() == restored.runs + 1, "the command line's run is in the same history"


def rerun(restored: Restored) -> Run:
    run = qamtu(restored.home.root, "run", "--inbox", str(restored.inbox))
    assert run.code in (0, 3), run.told
    return run


def test_a_backup_that_broke_off_is_not_restored(restored: Restored, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    refused = script("restore.sh", tmp_path / "backup", Home(tmp_path / "home"))
    assert refused.returncode == 1
    assert "no whole backup" in refused.stderr
