"""Dagster's interface through Chromium, on a home in which everything was materialised by stand-in engines."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from ingestion.layout import load_layouts
from orchestration.definitions import build_defs
from orchestration.instance import open_instance
from tests.integration.dagster_kit import engines, quiet
from warehouse.paths import Home

CHROMIUM = shutil.which("chromium")
START_SECONDS = 120
WAIT_MILLISECONDS = 60_000

if CHROMIUM is None and os.environ.get("CI"):
    raise RuntimeError("browser tests need Debian's chromium, which is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="NO CHROMIUM: browser tests did not run"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def home() -> Home:
    """This process's home, for which the dbt project is parsed already; one run has gone through in it."""
    made = Home.from_environment()
    with open_instance(made) as instance:
        job = build_defs(resource_overrides=engines(made)).resolve_job_def("refresh")
        assert job.execute_in_process(instance=instance, run_config=quiet()).success
    return made


@pytest.fixture(scope="module")
def address(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Dagster's web server on this machine alone."""
    port = free_port()
    log = tmp_path_factory.mktemp("log") / "webserver.log"
    program = Path(sys.executable).with_name("dagster-webserver")
    arguments = ["-m", "orchestration.definitions", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {
        "QAMTU_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster), "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    with log.open("w") as stream:
        server = subprocess.Popen([str(program), *arguments], env=environment, stdout=stream, stderr=stream)
        try:
            wait_for(f"http://127.0.0.1:{port}/server_info", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=60)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"Dagster's web server did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    """A browser window; scripts of the page that fail, fail the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
        window = browser.new_page(viewport={"width": 1600, "height": 1000}, base_url=address)
        window.set_default_timeout(WAIT_MILLISECONDS)
        expect.set_options(timeout=WAIT_MILLISECONDS)
        yield window
        browser.close()


def test_the_graph_shows_senders_layers_and_publication(page: Page) -> None:
    page.goto("/asset-groups")
    senders = {layout.sender for layout in load_layouts().values()}
    for group in [*sorted(senders), "lake", "staging", "intermediate", "marts", "seeds", "publication"]:
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    expect(page.get_by_text("Global asset lineage")).to_be_visible()


def test_a_sender_shows_owner_columns_freshness_and_rows(page: Page) -> None:
    page.goto("/assets/sample_dala/operator_availability")
    expect(page.get_by_text("Sent by Dala Telecom (sample operator).")).to_be_visible()
    expect(page.get_by_text("data-engineering@qamtu.kz").first).to_be_visible()
    expect(page.get_by_text("settlement_kato").first).to_be_visible()
    expect(page.get_by_text("Freshness policy").first).to_be_visible()
    page.goto("/assets/sample_dala/operator_availability?view=events")
    expect(page.get_by_text("rows_quarantined").first).to_be_visible()
    expect(page.get_by_text("2025Q1").first).to_be_visible()


def test_quarters_received_are_marked(page: Page) -> None:
    page.goto("/assets/sample_dala/operator_availability?view=partitions")
    expect(page.get_by_text("Materialized (2)")).to_be_visible()


def test_a_mart_shows_its_description_columns_and_checks(page: Page) -> None:
    page.goto("/assets/marts/dim_region")
    expect(page.get_by_text("region_kato").first).to_be_visible()
    expect(page.get_by_text("Latest check results")).to_be_visible()
    page.goto("/assets/marts/dim_region?view=checks")
    expect(page.get_by_text(re.compile(r"^Checks \([1-9]\d*\)$"))).to_be_visible()
    expect(page.get_by_text("Succeeded").first).to_be_visible()
    expect(page.get_by_text("non-blocking").first).to_be_visible()


def test_sensor_and_schedule_are_on(page: Page) -> None:
    page.goto("/automation")
    for name in ("arriving_files", "daily_refresh", "release_what_stands"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
