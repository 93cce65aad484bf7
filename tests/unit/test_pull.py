"""Pure parts of pulls: entries, patterns, patience, archives, shapes, credentials."""

from __future__ import annotations

import gzip
import io
import itertools
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import ValidationError
from yarl import URL

from ingestion.archives import Limits, UnsafeArchive, unpack
from ingestion.pull.credentials import Credentials
from ingestion.pull.errors import Passing, PullError, ShapeChanged, asked_to_wait_s, is_passing
from ingestion.pull.part import Mark, Part
from ingestion.pull.patience import Patience
from ingestion.pull.places import chosen
from ingestion.pull.shape import compare, read_records
from ingestion.sender import Sender, SenderError, Source, read_sender
from warehouse.paths import PROJECT_DIR

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio"

ELEMENT = {"kind": "stat_gov_element", "element": 6584, "format": "csv"}
DATASET = {"kind": "egov_dataset", "dataset": "d", "version": "v1", "fields": []}

# --- Entries ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"uri": "ftp://dala.example/out", "files": ["*"]}, "give a URI of"),
        ({"uri": "https://user:secret@dala.example/out", "files": ["*"]}, "bears no user or password"),
        ({"uri": "sftp://dala.example/out", "files": ["*"]}, "host_key"),
        ({"uri": "file:///out", "files": ["../x"]}, "leaves the folder"),
        ({"uri": "file:///out", "files": ["*"], "credentials": {"password": "P"}}, "takes no credential"),
        ({"uri": "https://dala.example", "files": ["*"], "credentials": {"password": "hunter2"}}, "pattern"),
        ({"uri": "https://dala.example"}, "either 'files' or 'api'"),
        ({"uri": "https://x", "name": "a.csv", "api": ELEMENT}, "fields"),
        ({"uri": "https://x", "name": "a.zip", "api": DATASET}, "without a key"),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_work_is_refused_with_the_reason(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Source.model_validate(values)


def test_an_entry_goes_by_the_name_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "dala.yaml"
    path.write_text("sender: arman\ntitle: A\ncontact: {name: N, email: n@arman.example}\n", encoding="utf-8")
    with pytest.raises(SenderError, match="'sender' says 'arman'"):
        read_sender(path)
    path.write_text(
        "sender: dala\ntitle: A\nschedule: daily\ncontact: {name: N, email: n@a.kz}\n", encoding="utf-8"
    )
    with pytest.raises(SenderError, match="no schedule"):
        read_sender(path)


def test_patterns_choose_whole_files_below_the_folder() -> None:
    paths = [
        "a.csv",
        "2025/b.csv",
        "2025/q4/c.csv",
        "a.csv.part",
        ".hidden/d.csv",
        "~$e.csv",
        "../f.csv",
        "/g.csv",
        "h.TMP",
    ]
    assert chosen(paths, ["*.csv"]) == ["a.csv"]
    assert chosen(paths, ["**/*.csv"]) == ["2025/b.csv", "2025/q4/c.csv", "a.csv"]
    assert chosen(paths, ["2025/?.csv", "**"]) == ["2025/b.csv", "2025/q4/c.csv", "a.csv"]


# --- Patience -----------------------------------------------------------------------------------------------------


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def patience(clock: Clock, rate: int | None = None, **more: Any) -> Patience:
    return Patience(rate, sleep=clock.sleep, clock=clock, **more)


def answered(status: int, **headers: str) -> aiohttp.ClientResponseError:
    request = aiohttp.RequestInfo(URL("http://x"), "GET", CIMultiDict(), URL("http://x"))  # type: ignore[arg-type]
    return aiohttp.ClientResponseError(request, (), status=status, headers=CIMultiDict(headers))


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def step() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return step


@given(st.integers(1, 6000), st.lists(st.floats(0, 30), max_size=20))
def test_a_rate_is_never_exceeded(rate: int, pauses: list[float]) -> None:
    clock, went = Clock(), []
    asking = patience(clock, rate)
    for pause in pauses:
        clock.now += pause
        asking.pace()
        went.append(clock.now)
    assert all(later - earlier >= 60 / rate - 1e-6 for earlier, later in itertools.pairwise(went))


def test_each_wait_is_about_twice_the_one_before() -> None:
    clock = Clock()
    assert patience(clock, jitter_s=0.0).run(failing(*[Passing()] * 4)) == "done"
    assert clock.slept == [1, 2, 4, 8]


def test_what_cannot_pass_is_not_tried_again() -> None:
    clock = Clock()
    for error in (answered(403), answered(404), PullError("no"), FileNotFoundError(2, "x"), ValueError()):
        assert not is_passing(error)
        with pytest.raises(type(error)):
            patience(clock).run(failing(error))
    assert clock.slept == []


def test_tries_come_to_an_end() -> None:
    clock = Clock()
    with pytest.raises(Passing):
        patience(clock, tries=3).run(failing(*[Passing()] * 9))
    assert len(clock.slept) == 2


def test_a_server_says_itself_when_to_come_again() -> None:
    clock = Clock()
    later = answered(429, **{"Retry-After": "17"})
    assert patience(clock).run(failing(later, answered(503))) == "done"
    assert clock.slept[0] == 17
    with pytest.raises(aiohttp.ClientResponseError):
        patience(clock, longest_wait_s=16).run(failing(later))
    assert asked_to_wait_s(answered(429, **{"Retry-After": "Mon, 05 Jan 2026 10:00:00 GMT"})) == 0.0
    assert asked_to_wait_s(answered(429, **{"Retry-After": "soon"})) is None


# --- Archives -----------------------------------------------------------------------------------------------------


def zipped(folder: Path, members: dict[str, bytes], **changed: Any) -> Path:
    path = folder / "filing.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for attribute, value in changed.items():
                setattr(info, attribute, value)
            packed.writestr(info, content)
    return path


def opened(archive: Path, folder: Path, limits: Limits | None = None) -> dict[str, bytes]:
    into = folder / "into"
    into.mkdir()
    found = unpack(archive, archive.name, into, limits or Limits())
    return {member.name: member.path.read_bytes() for member in found}


def test_members_of_archives_come_out_as_they_went_in(tmp_path: Path) -> None:
    members = {"2025/dala_2025q4.csv": b"a\n" * 10, "readme.txt": b""}
    assert opened(zipped(tmp_path, members), tmp_path) == members
    content = b"a,b\n1,2\n" * 1000
    for name in ("dala.csv.gz", "dala.csv.zst"):
        into = tmp_path / name
        into.mkdir()
        packed = (
            gzip.compress(content)
            if name.endswith("gz")
            else bytes(pa.compress(content, "zstd", asbytes=True))
        )
        (tmp_path / f"x{name}").write_bytes(packed)
        (member,) = unpack(tmp_path / f"x{name}", name, into)
        assert (member.name, member.path.read_bytes()) == ("dala.csv", content)


def test_backslashes_of_windows_part_folders(tmp_path: Path) -> None:
    assert opened(zipped(tmp_path, {"2025\\q4\\dala.csv": b"a"}), tmp_path) == {"2025/q4/dala.csv": b"a"}


def test_names_of_an_old_russian_archive_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"xxxx.csv": b"a"})
    path.write_bytes(path.read_bytes().replace(b"xxxx.csv", "дала.csv".encode("cp866")))
    assert opened(path, tmp_path) == {"дала.csv": b"a"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("../outside.csv", "leads out"),
        ("/etc/passwd", "leads out"),
        ("a/../../b.csv", "leads out"),
        ("..\\outside.csv", "leads out"),
        ("C:/x.csv", "leads out"),
        ("inner.zip", "archive within"),
        ("a/inner.TAR.GZ", "archive within"),
    ],
)
def test_a_member_that_should_not_be_there_keeps_the_archive_closed(
    name: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(UnsafeArchive, match=told):
        opened(zipped(tmp_path, {"sound.csv": b"a", name: b"b"}), tmp_path)


def test_links_encrypted_members_and_names_that_are_one_keep_it_closed(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchive, match="is a link"):
        unpack(zipped(tmp_path, {"a": b"/etc/passwd"}, external_attr=0o120777 << 16), "a.zip", tmp_path)
    path = zipped(tmp_path, {"a.csv": b"a"})
    # The flag as WinZip sets it, in the member's own header and in the directory.
    held = bytearray(path.read_bytes())
    held[6] |= 1
    held[held.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(held))
    with pytest.raises(UnsafeArchive, match="encrypted"):
        unpack(path, "a.zip", tmp_path)
    with pytest.raises(UnsafeArchive, match="one name"):
        unpack(zipped(tmp_path, {"A.csv": b"a", "a.csv": b"b"}), "a.zip", tmp_path)


def test_a_bomb_is_put_down_before_it_bursts(tmp_path: Path) -> None:
    bomb = zipped(tmp_path, {"zeros.csv": bytes(8 << 20)})
    with pytest.raises(UnsafeArchive, match="400 times"):
        opened(bomb, tmp_path)
    assert sum(file.stat().st_size for file in (tmp_path / "into").iterdir()) < 6 << 20
    packed = tmp_path / "zeros.csv.gz"
    packed.write_bytes(gzip.compress(bytes(8 << 20)))
    with pytest.raises(UnsafeArchive, match="400 times"):
        unpack(packed, packed.name, tmp_path)


def test_an_archive_holds_no_more_than_its_limits(tmp_path: Path) -> None:
    sound = zipped(tmp_path, {f"{i}.csv": bytes([65 + i]) * 1000 for i in range(4)})
    with pytest.raises(UnsafeArchive, match="holds 4 files"):
        unpack(sound, "a.zip", tmp_path, Limits(members=3))
    with pytest.raises(UnsafeArchive, match="more than 3,000 bytes"):
        unpack(sound, "a.zip", tmp_path, Limits(total_bytes=3000))


def test_a_zip_that_understates_its_members_is_found_out(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a.csv": b"1,2\n" * 1000})
    held = bytearray(path.read_bytes())
    at = held.index(b"PK\x01\x02") + 24
    held[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(bytes(held))
    with pytest.raises(UnsafeArchive, match="damaged"):
        opened(path, tmp_path)


@pytest.mark.parametrize("name", ["a.zip", "a.csv.gz", "a.csv.zst"])
def test_an_archive_that_was_cut_off_stays_closed(name: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 2000
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("a.csv", content)
    whole = {
        "a.zip": stream.getvalue(),
        "a.csv.gz": gzip.compress(content),
        "a.csv.zst": pa.compress(content, "zstd", asbytes=True),
    }[name]
    (tmp_path / name).write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(UnsafeArchive, match="damaged"):
        opened(tmp_path / name, tmp_path)


# --- Shapes and credentials ---------------------------------------------------------------------------------------


def test_a_changed_shape_says_what_changed() -> None:
    compare(["NAM", "VAL"], ["VAL", "NAM"], "element 1")
    with pytest.raises(ShapeChanged) as error:
        compare(["NAM", "PERIOD", "VAL"], ["NAM", "PERIODS", "VAL", "UNIT"], "element 1")
    assert "lost 'PERIOD' (perhaps now 'PERIODS'), new 'PERIODS', new 'UNIT'" in str(error.value)


@pytest.mark.parametrize("body", [b"<html>", b'{"error": "limit"}', b"[1]", b"", b"\xff\xfe"])
def test_what_is_no_list_of_records_is_shown(body: bytes) -> None:
    with pytest.raises(ShapeChanged, match="it begins"):
        read_records(body, "page 1")


def test_keys_lose_their_padding() -> None:
    assert read_records('\ufeff[{"\ufeffid ": 1}]'.encode(), "page 1") == [{"id": 1}]


@settings(max_examples=50)
@given(
    st.text(st.characters(codec="utf-8"), min_size=4, max_size=40).filter(
        lambda text: not set("$ KEY") & set(text)
    )
)
def test_a_secret_is_in_no_text(secret: str) -> None:
    credentials = Credentials({"api_key": "KEY"}, {"KEY": secret})
    url = URL("http://x/api").with_query({"apiKey": secret})
    assert secret not in credentials.redacted(f"GET '{secret}' failed").replace("$KEY", "")
    assert URL(credentials.redacted(str(url))).query["apiKey"] == "$KEY"


# --- The guide ----------------------------------------------------------------------------------------------------


def test_the_entries_of_the_guide_can_be_used(tmp_path: Path) -> None:
    guide = (PROJECT_DIR / "docs" / "guides" / "pull-from-a-sender.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)]
    entries = {block["sender"]: Sender.model_validate(block) for block in blocks if "sender" in block}
    assert list(entries) == ["dala", "bureau"]
    assert {type(source.api).__name__ for source in entries["bureau"].sources} == {
        "StatGovElement", "EgovDataset", "TaldauTree",
    }  # fmt: skip
    assert [
        Source.model_validate(one)
        for block in blocks
        if list(block) == ["sources"]
        for one in block["sources"]
    ]


@pytest.mark.parametrize("text", ["", "5", "[]", '{"size": "x"}'])
def test_a_mark_that_was_damaged_tells_no_version(tmp_path: Path, text: str) -> None:
    part = Part(tmp_path, "https://example.org/a.csv")
    with part.begin(Mark(etag="1")) as stream:
        stream.write(b"half")
    assert part.mark == Mark(etag="1")
    next(tmp_path.glob("*.mark.json")).write_text(text)
    assert part.mark is None
