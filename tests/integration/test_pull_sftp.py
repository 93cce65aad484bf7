"""Pulls over SFTP, from OpenSSH's own sftp-server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingestion.pull import places
from tests.integration.pull_kit import SFTP_SERVER, SftpServer, landed, pulled, sftp_server
from warehouse.paths import Home

pytestmark = pytest.mark.skipif(not SFTP_SERVER.exists(), reason="needs the package openssh-sftp-server")


def source(server: SftpServer, folder: Path, **more: object) -> dict[str, object]:
    credentials = {"username": "DALA_USER", "password": "DALA_PASSWORD"}
    return {
        "uri": f"sftp://127.0.0.1:{server.port}{folder}", "files": ["**/*.csv"], "credentials": credentials,
        "host_key": server.host_key, **more,
    }  # fmt: skip


def logged_in(server: SftpServer, **changed: str) -> dict[str, str]:
    return {"DALA_USER": server.user, "DALA_PASSWORD": server.password} | changed


def test_files_of_a_folder_are_fetched_once(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[int] = []
    monkeypatch.setattr(places, "copy", lambda remote, here: copied.append(here.write(remote.read())))
    (tmp_path / "out" / "2025").mkdir(parents=True)
    (tmp_path / "out" / "2025" / "dala_2025q4.csv").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "out" / "dala_2026q1.csv.filepart").write_bytes(b"a,b\n1")
    with sftp_server() as server:
        first = pulled(home, source(server, tmp_path / "out"), environment=logged_in(server))
        again = pulled(home, source(server, tmp_path / "out"), environment=logged_in(server))
        (tmp_path / "out" / "2025" / "dala_2025q4.csv").write_bytes(b"a,b\n1,3\n")
        os.utime(tmp_path / "out" / "2025" / "dala_2025q4.csv", (1, 1))
        mended = pulled(home, source(server, tmp_path / "out"), environment=logged_in(server))
    assert [one.status for one in (*first.files, *again.files, *mended.files)] == [
        "landed",
        "unchanged",
        "landed",
    ]
    assert len(copied) == 2
    assert {name: content for name, (content, _) in landed(home).items()} == {
        "test_dala/2025/dala_2025q4.csv": b"a,b\n1,3\n"
    }
    assert first.files[0].uri == f"sftp://127.0.0.1:{server.port}{tmp_path}/out/2025/dala_2025q4.csv"


def test_a_connection_that_is_cut_goes_on_where_it_broke_off(home: Home, tmp_path: Path) -> None:
    content = bytes(range(256)) * 40_000
    (tmp_path / "big.csv").write_bytes(content)
    drops = [6_000_000, 6_000_000, 6_000_000]
    with sftp_server(drops) as server:
        report = pulled(home, source(server, tmp_path), environment=logged_in(server))
    assert [(one.status, one.message) for one in report.files] == [("landed", None)]
    assert landed(home)["test_dala/big.csv"][0] == content
    # Two connections of six million bytes hold what is needed of ten; begun anew each time, it would take four.
    assert len(drops) == 1


def test_a_server_with_another_host_key_is_told_nothing(home: Home, tmp_path: Path) -> None:
    with sftp_server() as server, sftp_server() as other:
        report = pulled(
            home, source(server, tmp_path, host_key=other.host_key), environment=logged_in(server)
        )
    (told,) = report.files
    assert told.status == "failed"
    assert "host key" in str(told.message)
    assert not server.connections


def test_a_wrong_password_is_told_without_it(home: Home, tmp_path: Path) -> None:
    with sftp_server() as server:
        report = pulled(
            home, source(server, tmp_path), environment=logged_in(server, DALA_PASSWORD="wr0ng-one")
        )
    (told,) = report.files
    assert (told.status, "credentials" in str(told.message)) == ("failed", True)
    assert "wr0ng-one" not in str(told)
