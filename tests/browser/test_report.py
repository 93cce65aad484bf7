"""The report in Chromium: WCAG 2.2 AA by axe, no network, sorting, phone, print, names as bad as names come."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.unit.report_kit import WITHHELD_COVERAGE, release_in
from warehouse.report import write_report
from warehouse.report.site import NAVIGATION

CHROMIUM = shutil.which("chromium")
if CHROMIUM is None and os.environ.get("CI"):
    raise RuntimeError("browser tests need Debian's chromium, which is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="NO CHROMIUM: browser tests did not run")

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
REGION = "region-100000000"
# A long table repeats the markup of its first rows; axe looks at these.
SHORTEN = """document.querySelectorAll("tbody").forEach(
    (body) => [...body.rows].slice(6).forEach((row) => row.remove()));
document.querySelectorAll("main > section[id^='fct'] ~ section[id^='fct']").forEach((section) => section.remove())"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    release = release_in(tmp_path_factory.mktemp("report") / "release")
    write_report(release)
    return release / "report"


@pytest.fixture(scope="module")
def withheld(tmp_path_factory: pytest.TempPathFactory) -> Path:
    release = release_in(tmp_path_factory.mktemp("withheld") / "release", WITHHELD_COVERAGE)
    write_report(release)
    return release / "report"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def window(browser: Browser) -> Page:
    """One window for all tests: opening one takes longer than a page."""
    return browser.new_page()


@pytest.fixture
def page(window: Page) -> Iterator[Page]:
    """The window; a script that fails, a dialogue that a name opens, a request to anywhere else fail the test."""
    wrong: list[str] = []
    listeners: dict[str, Callable[[Any], object]] = {
        "pageerror": lambda error: wrong.append(f"script failed: {error}"),
        "dialog": lambda dialog: (wrong.append(f"dialogue: {dialog.message}"), dialog.dismiss()),
        "requestfailed": lambda request: wrong.append(f"not there: {request.url}"),
        "request": lambda request: request.url.startswith("file:") or wrong.append(f"asked: {request.url}"),
    }
    for event, listener in listeners.items():
        window.on(event, listener)  # type: ignore[call-overload]
    window.set_viewport_size(DESKTOP)
    window.emulate_media(media="screen")
    yield window
    for event, listener in listeners.items():
        window.remove_listener(event, listener)
    assert wrong == []


def violations(page: Page) -> list[str]:
    page.evaluate(SHORTEN)
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations'], preload: false})", RULES
    )
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]


@pytest.mark.parametrize("name", [*NAVIGATION, REGION])
def test_a_page_has_no_fault_that_axe_finds(report: Path, page: Page, name: str) -> None:
    code = ("kk", "ru", "en")[[*NAVIGATION, REGION].index(name) % 3]
    page.goto(f"file://{report}/{code}/{name}.html")
    assert violations(page) == []


@pytest.mark.parametrize("name", ["index", "coverage"])
def test_withheld_figures_on_a_phone_have_no_fault_either(withheld: Path, page: Page, name: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"file://{withheld}/ru/{name}.html")
    expect(page.locator(".withheld").first).to_be_visible()
    assert violations(page) == []


def test_axe_finds_a_fault_where_there_is_one(report: Path, page: Page) -> None:
    page.goto(f"file://{report}/en/index.html")
    page.evaluate(
        "document.documentElement.removeAttribute('lang'); document.querySelector('h1').style.color = '#ccc'"
    )
    found = violations(page)
    assert [fault.split(":")[0] for fault in found] == ["color-contrast", "html-has-lang"]


@pytest.mark.parametrize("name", [*NAVIGATION, REGION, "region-999000000"])
def test_no_page_is_wider_than_a_phone(report: Path, page: Page, name: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"file://{report}/kk/{name}.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    expect(page.locator(".sample")).to_be_in_viewport()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator(".sample")).to_be_in_viewport()


def test_a_table_is_sorted_by_keyboard_with_the_unknown_last(report: Path, page: Page) -> None:
    page.goto(f"file://{report}/en/coverage.html")
    table = page.locator("table.sortable").first
    head = table.locator("thead th").nth(4)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    fours = table.locator("tbody tr:not(.total) td:nth-child(5)")
    assert fours.all_inner_texts() == ["100.0%", "80.0%", "0.0%"]
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert fours.all_inner_texts() == ["0.0%", "80.0%", "100.0%"]
    assert table.locator("tbody tr").first.get_attribute("class") == "total"


def test_the_unknown_stands_last_in_either_order(report: Path, page: Page) -> None:
    page.goto(f"file://{report}/en/{REGION}.html")
    table = page.locator("table.sortable", has_text="Best filed")
    people = table.locator("thead button", has_text="People")
    for _ in range(2):
        people.click()
        assert table.locator("tbody td:nth-child(3)").all_inner_texts()[-1].startswith("–")


def test_the_report_opens_in_the_reader_s_language_and_switches(report: Path, browser: Browser) -> None:
    for locale, code, words in (("ru-RU", "ru", "Девять заявлений"), ("kk-KZ", "kk", "Тоғыз мәлімдеме")):
        window = browser.new_page(locale=locale)
        window.goto(f"file://{report}/index.html")
        window.wait_for_url(f"file://{report}/{code}/index.html")
        assert words in window.locator("h1").inner_text()
        window.get_by_role("link", name="English").click()
        window.wait_for_url(f"file://{report}/en/index.html")
        window.close()


def test_without_scripts_everything_is_there(report: Path, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    window = context.new_page()
    window.goto(f"file://{report}/index.html")
    window.get_by_role("link", name="Русский").click()
    expect(window.locator(".statement")).to_have_count(9)
    context.close()


def test_print_keeps_the_mark_of_sample_data_and_drops_the_menu(report: Path, page: Page) -> None:
    page.goto(f"file://{report}/ru/coverage.html")
    page.emulate_media(media="print")
    expect(page.locator(".sample")).to_be_visible()
    expect(page.locator("nav.pages")).to_be_hidden()
    assert len(page.pdf()) > 10_000
