"""Alerts: sent to a webhook that really listens, naming who must act, and failing nothing."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from expectations.audit import run_audit
from expectations.gate import judge
from orchestration import alerts
from orchestration.progress import Progress
from orchestration.run import RunResult, _tell_of_failure
from tests.unit.audit_kit import home_in, small_country
from tests.webhook_kit import listening
from warehouse.candidate import read_manifest

FAILURE = alerts.of_failure("0123456789", {"dbt": "the disk is full\n\tat line 1"})


def test_an_alert_arrives_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as webhook:
        monkeypatch.setenv(alerts.ALERT_VARIABLE, webhook.url)
        assert alerts.send(FAILURE) is None
    (document,) = webhook.received
    assert document["event"] == "run_failed"
    assert document["text"] == "Qamtu: run 01234567 failed in dbt; Data engineering must act"
    assert document["owners"] == ["Data engineering"]
    assert document["findings"][0]["found"] == "the disk is full at line 1"


def test_a_run_of_the_command_line_that_failed_is_told_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = StringIO()
    failed = RunResult(
        1, "0123456789", errors=("dbt: the disk is full: 0 bytes left", "audit: nothing was built")
    )
    with listening() as webhook:
        monkeypatch.setenv(alerts.ALERT_VARIABLE, webhook.url)
        _tell_of_failure(failed, Progress(Console(file=printed)))
        webhook.status = 500
        _tell_of_failure(failed, Progress(Console(file=printed)))
    assert [each["what"] for each in webhook.received[0]["findings"]] == ["dbt", "audit"]
    assert webhook.received[0]["findings"][0]["found"] == "the disk is full: 0 bytes left"
    assert printed.getvalue().count("the alert could not be sent") == 1, "and that is told, once"


def test_without_an_address_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(alerts.ALERT_VARIABLE, raising=False)
    with listening() as webhook:
        assert alerts.send(FAILURE) is None
    assert webhook.received == []


def test_a_webhook_that_fails_is_told_without_its_address() -> None:
    with listening(status=500) as webhook:
        fault = alerts.send(FAILURE, webhook.url)
    assert fault == "the alert could not be sent: HTTPError"
    # Nobody listens there any more.
    fault = alerts.send(FAILURE, webhook.url)
    assert fault is not None
    assert "secret" not in fault


@pytest.mark.parametrize("url", ["file:///etc/passwd", "nonsense", "http://["])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    assert alerts.send(FAILURE, url) == "the alert could not be sent: ValueError"


def test_what_is_withheld_names_the_owner_of_the_table_and_shows_no_value(tmp_path: Path) -> None:
    country = small_country()
    country.tests[1].status, country.tests[1].failures = "fail", 1
    country.tables["fct_benchmark"].meta = {
        **country.tables["fct_benchmark"].meta,
        "owner": "Coverage analytics",
    }
    home = country.write(home_in(tmp_path))
    run_audit(home, suites=())
    verdicts = judge(home, suites=())
    assert verdicts.withheld
    manifest = read_manifest(home.dbt_target / "manifest.json")
    alert = alerts.of_verdicts(verdicts, manifest, "pub-1", "run-1")
    assert alert is not None
    assert alert.event == "figures_withheld"
    assert "Coverage analytics" in alert.owners
    assert alert.text.endswith(f"{', '.join(alert.owners)} must act")
    assert alert.metrics == tuple(verdict.metric_id for verdict in verdicts.withheld)
    assert all(finding.remedy and finding.owners for finding in alert.findings)
    failing = next(check for check in verdicts.checks if not check.passed)
    assert alerts.metrics_behind(failing.tables, manifest)


def test_when_all_is_published_there_is_no_alert(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    run_audit(home, suites=())
    verdicts = judge(home, suites=())
    assert not verdicts.withheld
    assert (
        alerts.of_verdicts(verdicts, read_manifest(home.dbt_target / "manifest.json"), "pub-1", "run-1")
        is None
    )
