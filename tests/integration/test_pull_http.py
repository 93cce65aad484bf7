"""Pulls over HTTP, from a server that drops, stalls, throttles and lies about length."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.pull.patience import Patience
from tests.integration.pull_kit import Resource, WebServer, landed, pulled, quick, write_certificate
from warehouse.paths import PROJECT_DIR, Home

CONTENT = b"a,b\n" + b"1,2\n" * 100_000
PATH = "/out/dala_2025q4.csv"
NAME = "test_dala/dala_2025q4.csv"


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.stop()


def source(web: WebServer, **more: object) -> dict[str, object]:
    return {"uri": f"{web.uri}/out", "files": ["dala_2025q4.csv"], **more}


@pytest.mark.parametrize("trouble", ["drop:150000", "stall:150000"])
def test_what_breaks_off_goes_on_where_it_broke_off(trouble: str, home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, troubles=[trouble])
    (told,) = pulled(home, source(web), patience=lambda rate: quick(rate, stalled_s=1.0)).files
    first, *_, last = web.asked(PATH)
    assert (told.status, told.message) == ("landed", None)
    assert "Range" not in first.headers
    assert last.status == 206
    # What aiohttp had received but not handed on when the connection broke is asked for once more.
    assert 0 < int(last.headers["Range"].removeprefix("bytes=").rstrip("-")) <= 150_000
    assert landed(home)[NAME][0] == CONTENT


def test_a_later_pull_goes_on_too(home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, troubles=["drop:150000"] + ["status:503"] * 3)
    (failed,) = pulled(home, source(web)).files
    assert failed.status == "failed"
    assert not landed(home)
    assert pulled(home, source(web)).files[0].status == "landed"
    assert web.asked(PATH)[-1].status == 206
    assert landed(home)[NAME][0] == CONTENT


def test_a_file_that_changed_between_is_begun_anew(home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, troubles=["drop:150000"] + ["status:503"] * 3)
    pulled(home, source(web))
    web.files[PATH] = Resource(CONTENT.replace(b"1,2", b"3,4"), etag='"2"')
    pulled(home, source(web))
    assert web.asked(PATH)[-1].status == 200
    assert landed(home)[NAME][0] == CONTENT.replace(b"1,2", b"3,4")


def test_a_server_that_cannot_send_a_rest_sends_all(home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, has_ranges=False, troubles=["drop:150000"])
    assert pulled(home, source(web)).files[0].status == "landed"
    assert landed(home)[NAME][0] == CONTENT


def test_a_rest_that_is_not_what_was_asked_for_is_thrown_away(home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, troubles=["drop:150000", "wrong_range"])
    assert pulled(home, source(web)).files[0].status == "landed"
    assert [request.status for request in web.asked(PATH)] == [200, 206, 200]
    assert landed(home)[NAME][0] == CONTENT


def test_a_rest_that_comes_in_pieces_is_put_together(home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, troubles=["drop:150000", "short_range:100000"])
    assert pulled(home, source(web)).files[0].status == "landed"
    assert [request.status for request in web.asked(PATH)] == [200, 206, 206]
    assert landed(home)[NAME][0] == CONTENT


@pytest.mark.parametrize("trouble", ["lies:7", "drop:399000"])
def test_a_file_that_never_comes_whole_never_lands(trouble: str, home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, etag=None, troubles=[trouble] * 9)
    (told,) = pulled(home, source(web)).files
    assert told.status == "failed"
    assert len(web.asked(PATH)) == 4
    assert not landed(home)


def test_a_server_that_does_not_say_where_a_file_ends_is_not_believed(home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, troubles=["endless"] * 9)
    (told,) = pulled(home, source(web)).files
    assert "does not say where the file ends" in str(told.message)
    assert not landed(home)


@pytest.mark.parametrize(
    "resource",
    [Resource(CONTENT), Resource(CONTENT, etag=None, modified="Mon, 05 Jan 2026 10:00:00 GMT")],
    ids=["ETag", "Last-Modified"],
)
def test_an_unchanged_file_is_not_sent_again(resource: Resource, home: Home, web: WebServer) -> None:
    web.files[PATH] = resource
    assert pulled(home, source(web)).files[0].status == "landed"
    assert pulled(home, source(web)).files[0].status == "unchanged"
    assert [request.status for request in web.asked(PATH)] == [200, 304]


def test_equal_bytes_from_a_server_that_tells_no_version_are_one_delivery(home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, etag=None)
    assert [pulled(home, source(web)).files[0].status for _ in range(2)] == ["landed", "unchanged"]
    assert [request.status for request in web.asked(PATH)] == [200, 200]


def test_a_server_that_is_busy_is_left_alone_as_long_as_it_asks(home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, troubles=["status:429,0", "status:503,7"])
    slept: list[float] = []

    def told(rate: int | None) -> Patience:
        return Patience(None, first_wait_s=0.01, sleep=slept.append)

    assert pulled(home, source(web), patience=told).files[0].status == "landed"
    assert slept == [0.0, 7.0]


def test_a_server_that_asks_for_an_hour_is_not_called_before(home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, troubles=["status:429,3600"])
    web.files["/out/z.csv"] = Resource(CONTENT)
    assert pulled(home, source(web, files=["dala_2025q4.csv", "z.csv"])).count("failed") == 1
    (told,) = pulled(home, source(web)).files
    assert "asked not to be called before" in str(told.message)
    assert len(web.requests) == 1


def test_what_the_entry_says_of_speed_reaches_its_requests(home: Home, web: WebServer) -> None:
    asked: list[int | None] = []

    def told(rate: int | None) -> Patience:
        asked.append(rate)
        return quick(rate)

    pulled(home, source(web), source(web, requests_per_minute=30), patience=told)
    assert asked == [60, 30]


@pytest.mark.parametrize("status", ["304", "204"])
def test_an_answer_that_is_no_file_never_lands(status: str, home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT, troubles=[f"status:{status}"])
    (told,) = pulled(home, source(web)).files
    assert (told.status, status in str(told.message)) == ("failed", True)
    assert not landed(home)


def test_files_that_a_folder_links_to_land_under_their_own_names(home: Home, web: WebServer) -> None:
    page = (
        '<a href="../">up</a> <a href="%D0%B4%D0%B0%D0%BB%D0%B0_2025q4.csv">x</a> <a href="/elsewhere/b.csv">y</a>'
        f'<a href="https{web.uri.removeprefix("http")}/out/e.csv">u</a>'
        '<a href="dala_2026q1.csv.part">z</a> <a href="../../etc/c.csv">w</a> <a href="..%2Fd.csv">v</a>'
    )
    web.files["/out/"] = Resource(page.encode(), headers={"Content-Type": "text/html; charset=utf-8"})
    web.files["/out/%D0%B4%D0%B0%D0%BB%D0%B0_2025q4.csv"] = Resource(CONTENT)
    report = pulled(home, source(web, files=["*.csv", "**/*.csv"]))
    assert [(one.status, one.file_names) for one in report.files] == [
        ("landed", ("test_dala/дала_2025q4.csv",))
    ]


def test_folders_below_are_looked_into_at_the_entrys_pace_and_never_twice(home: Home, web: WebServer) -> None:
    page = {"Content-Type": "text/html; charset=utf-8"}
    up = '<a href="../">up</a> <a href="../../other/">round</a> <a href="/out/">top</a>'
    web.files["/out/"] = Resource(f'{up} <a href="2025/">2025</a>'.encode(), headers=page)
    web.files["/out/2025/"] = Resource(f'{up} <a href="dala_2025q4.csv">x</a>'.encode(), headers=page)
    web.files["/out/2025/dala_2025q4.csv"] = Resource(CONTENT)
    waited: list[float] = []

    def told(rate: int | None) -> Patience:
        return Patience(60, clock=lambda: 0.0, sleep=waited.append)

    report = pulled(home, source(web, files=["**/*.csv"]), patience=told)
    assert [one.file_names for one in report.files] == [("test_dala/2025/dala_2025q4.csv",)]
    assert [request.path for request in web.requests] == ["/out/", "/out/2025/", "/out/2025/dala_2025q4.csv"]
    # Connecting counts as a request, so that no server is asked faster than its entry says.
    assert len(waited) == len(web.requests)


def test_a_page_for_people_is_not_taken_for_a_file(home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(b"<html>Log in</html>", headers={"Content-Type": "text/html; charset=utf-8"})
    (told,) = pulled(home, source(web)).files
    assert "page for people" in str(told.message)
    assert not landed(home)


def test_one_lost_file_stops_no_other(home: Home, web: WebServer) -> None:
    web.files["/out/b.csv"] = Resource(CONTENT)
    report = pulled(home, source(web, files=["a.csv", "b.csv"]), source(web, uri="http://127.0.0.1:9/out"))
    assert [one.status for one in report.files] == ["failed", "landed", "failed"]
    assert "404" in str(report.files[0].message)


def test_a_credential_is_sent_and_told_nowhere(
    home: Home, web: WebServer, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "t0p/secret+of the operator"
    web.files[PATH] = Resource(CONTENT, troubles=["status:401", "status:500"])
    said: list[str] = []
    told = [
        pulled(
            home,
            source(web, credentials={"token": "DALA_TOKEN"}),
            environment={"DALA_TOKEN": secret},
            say=said.append,
        )
        for _ in range(2)
    ]
    assert [one.files[0].status for one in told] == ["failed", "landed"]
    assert {request.headers["Authorization"] for request in web.requests} == {f"Bearer {secret}"}
    kept = [path.read_bytes() for path in home.root.rglob("*") if path.is_file()]
    written = "".join([str(told), *said, caplog.text, *(text.decode("latin1") for text in kept)])
    assert secret not in written


@pytest.mark.parametrize(
    "credentials", [{"token": "DALA_TOKEN"}, {"username": "DALA_TOKEN", "password": "DALA_TOKEN"}]
)
def test_a_server_that_sends_on_to_another_gives_no_credential_away(
    credentials: dict[str, str], home: Home, web: WebServer
) -> None:
    other = WebServer()
    other.files["/elsewhere.csv"] = Resource(CONTENT)
    web.answers[PATH] = lambda query: (302, b"", {"Location": f"{other.uri}/elsewhere.csv"})
    fetched = pulled(home, source(web, credentials=credentials), environment={"DALA_TOKEN": "s3cret"}).files[
        0
    ]
    other.stop()
    assert fetched.status == "landed"
    assert "Authorization" in web.requests[0].headers
    assert "Authorization" not in other.requests[0].headers


# What is trusted is settled when a process starts, so each of these pulls has one of its own.
_PULL = """
import sys
from pathlib import Path
from tests.integration.pull_kit import pulled
from warehouse.paths import Home
(told,) = pulled(Home(Path(sys.argv[1])), {"uri": sys.argv[2], "files": ["dala_2025q4.csv"]}).files
print(told.status, told.message)
"""


def pulled_trusting(trusted: Path, home: Home, web: WebServer) -> str:
    """What becomes of a pull by somebody who trusts one certificate."""
    done = subprocess.run(
        [sys.executable, "-c", _PULL, str(home.root), f"{web.uri}/out"],
        cwd=PROJECT_DIR, env=os.environ | {"SSL_CERT_FILE": str(trusted)}, capture_output=True, text=True,
        timeout=120, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[WebServer]:
    server = WebServer(write_certificate(tmp_path / "server.pem"))
    server.files[PATH] = Resource(CONTENT)
    yield server
    server.stop()


def test_a_server_whose_certificate_is_trusted_is_pulled_from(
    home: Home, secure: WebServer, tmp_path: Path
) -> None:
    assert pulled_trusting(tmp_path / "server.pem", home, secure) == "landed None"
    assert landed(home)[NAME][0] == CONTENT


@pytest.mark.parametrize("fault", ["unknown", "expired", "of another host"])
def test_a_certificate_that_proves_nothing_is_refused_at_once_and_named(
    fault: str, home: Home, secure: WebServer, tmp_path: Path
) -> None:
    server, trusted = secure, write_certificate(tmp_path / "other.pem")
    if fault != "unknown":
        trusted = write_certificate(tmp_path / "bad.pem", "127.0.0.1" if fault == "expired" else "127.0.0.2",
                                    days=-1 if fault == "expired" else 1)  # fmt: skip
        server = WebServer(trusted)
    told = pulled_trusting(trusted, home, server)
    assert told.startswith("failed")
    assert "certificate" in told
    assert landed(home) == {}
    assert server.requests == [], "nothing was asked of whoever this is"
    if server is not secure:
        server.stop()


def test_a_server_that_gives_up_encryption_is_not_followed(
    home: Home, web: WebServer, secure: WebServer, tmp_path: Path
) -> None:
    web.files["/elsewhere.csv"] = Resource(CONTENT)
    secure.answers[PATH] = lambda query: (302, b"", {"Location": f"{web.uri}/elsewhere.csv"})
    told = pulled_trusting(tmp_path / "server.pem", home, secure)
    assert told.startswith("failed")
    assert "without encryption" in told
    assert landed(home) == {}


def test_without_its_variable_nothing_is_asked(home: Home, web: WebServer) -> None:
    (told,) = pulled(home, source(web, credentials={"token": "DALA_TOKEN"}), environment={}).files
    assert (told.status, "set DALA_TOKEN" in str(told.message)) == ("failed", True)
    assert not web.requests


def test_a_receipt_says_where_a_file_came_from(home: Home, web: WebServer) -> None:
    web.files[PATH] = Resource(CONTENT)
    pulled(home, source(web))
    (receipt,) = home.pulled_receipts.glob("*.json")
    assert json.loads(receipt.read_text())["origin"]["uri"] == f"{web.uri}{PATH}"
    assert not list((home.landing / "incoming" / "pulls").iterdir())
