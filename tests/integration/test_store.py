"""A home's copy on an object store: a real S3 server, and what it may do wrong, in front of it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest

from tests.integration.s3_kit import s3_server
from tests.main_job_kit import Run, qamtu
from warehouse import store as stores
from warehouse.files import point_link
from warehouse.paths import PROJECT_DIR, Home, store_url
from warehouse.store import POINTER, StoreConflict, StoreError, open_store, push, restore

URL = "s3://qamtu/team/home"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": server, "AWS_ACCESS_KEY_ID": "AKIAQAMTU", "AWS_SECRET_ACCESS_KEY": "planted-s3-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    made = boto3.resource("s3", endpoint_url=server).create_bucket(Bucket="qamtu")
    yield made
    made.objects.all().delete()
    made.delete()


def write(home: Home, name: str, text: str) -> Path:
    path = home.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def publish(home: Home, release: str) -> None:
    write(home, f"published/{release}/csv/fct_metric.csv", f"value\n{release}\n")
    write(home, f"published/{release}/publication.json", json.dumps({"publication_id": release}))
    point_link(home.current, release)


def filled(root: Path) -> Home:
    home = Home(root)
    write(home, "landing/ab/abcdef.csv", "settlement,level\n1,3\n")
    write(home, "lake/accepted/operator_availability/extract_id=a/part-0.parquet", "rows")
    write(home, "lake/meta/extract.parquet", "one outcome")
    write(home, "landing/seen.json", "what was seen")
    write(home, "landing/incoming/part", "half a fil")
    write(home, "lake/.lock", "")
    write(home, "build/candidate.duckdb", "made again by every machine")
    write(home, "published/releases.duckdb", "names folders of this machine")
    publish(home, "pub-1")
    return home


def names(bucket: Any) -> set[str]:
    """Names of the home's files in the store."""
    return {each.key.removeprefix("team/home/") for each in bucket.objects.all()} - {stores.TURN}


def content(home: Home) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in stores._files(home)}


def pointer(bucket: Any) -> str:
    return str(json.loads(bucket.Object(f"team/home/{POINTER}").get()["Body"].read())["release"])


def test_what_cannot_be_made_again_goes_there_and_comes_back(bucket: Any, tmp_path: Path) -> None:
    home = filled(tmp_path / "one")
    pushed = push(home, open_store(URL))
    assert names(bucket) == {*content(home), POINTER}
    assert not any(name.startswith(("build/", "landing/incoming/")) or "/." in name for name in names(bucket))
    assert pushed.sent == len(content(home))

    other = Home(tmp_path / "two")
    assert restore(other, open_store(URL)) == len(content(home))
    assert content(other) == content(home)
    assert other.current.resolve() == (other.published / "pub-1").resolve()
    parts = [each.root / "lake/meta/extract.parquet" for each in (home, other)]
    assert parts[0].stat().st_mtime_ns == parts[1].stat().st_mtime_ns
    assert push(other, open_store(URL)).sent == 0, "the copy knows what the store holds"


def test_only_what_is_new_is_sent_and_what_went_is_removed(bucket: Any, tmp_path: Path) -> None:
    home = filled(tmp_path / "one")
    push(home, open_store(URL))
    write(home, "lake/meta/extract.parquet", "two outcomes")
    write(home, "landing/seen.json", "what was seen changes with every run")
    shutil.rmtree(home.lake / "accepted")
    publish(home, "pub-2")
    pushed = push(home, open_store(URL))
    assert (pushed.sent, pushed.removed) == (4, 1)
    assert names(bucket) == {*content(home), POINTER}
    assert pointer(bucket) == "pub-2"


def test_the_pointer_moves_back_with_a_rollback(bucket: Any, tmp_path: Path) -> None:
    home = filled(tmp_path / "one")
    publish(home, "pub-2")
    push(home, open_store(URL))
    point_link(home.current, "pub-1")
    push(home, open_store(URL))
    assert pointer(bucket) == "pub-1"


def test_of_two_homes_on_one_store_the_second_is_refused(bucket: Any, tmp_path: Path) -> None:
    home, other = filled(tmp_path / "one"), Home(tmp_path / "two")
    push(home, open_store(URL))
    restore(other, open_store(URL))
    publish(home, "pub-2")
    publish(other, "pub-3")
    push(home, open_store(URL))
    with pytest.raises(StoreConflict, match="last written by another home"):
        push(other, open_store(URL))
    with pytest.raises(StoreConflict):
        push(filled(tmp_path / "three"), open_store(URL))
    assert pointer(bucket) == "pub-2"


def test_whose_turn_it_is_goes_on_and_the_other_home_is_refused(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other = filled(tmp_path / "one"), Home(tmp_path / "two")
    push(home, open_store(URL))
    restore(other, open_store(URL))
    publish(home, "pub-2")
    publish(other, "pub-3")
    real = stores._told

    def meanwhile(each: Home) -> str | None:
        monkeypatch.setattr(stores, "_told", real)
        with pytest.raises(StoreConflict):
            push(home, open_store(URL))
        return real(each)

    monkeypatch.setattr(stores, "_told", meanwhile)
    push(other, open_store(URL))
    assert pointer(bucket) == "pub-3"


def test_a_turn_that_was_lost_in_the_middle_moves_no_pointer(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = filled(tmp_path / "one")
    push(home, open_store(URL))
    publish(home, "pub-2")
    real = stores._told

    def meanwhile(each: Home) -> str | None:
        bucket.put_object(Key=f"team/home/{stores.TURN}", Body=b"another home's word")
        return real(each)

    monkeypatch.setattr(stores, "_told", meanwhile)
    with pytest.raises(StoreConflict, match="the pointer has not moved"):
        push(home, open_store(URL))
    assert pointer(bucket) == "pub-1"


def test_homes_know_of_each_other_though_no_release_moved(bucket: Any, tmp_path: Path) -> None:
    """Neither equal pointers, nor none, nor one that was moved back say that nobody wrote."""
    home, other = filled(tmp_path / "one"), Home(tmp_path / "two")
    push(home, open_store(URL))
    restore(other, open_store(URL))
    write(home, "landing/receipts/00000002.json", "one delivery")
    push(home, open_store(URL))
    write(other, "landing/receipts/00000002.json", "another")
    with pytest.raises(StoreConflict):
        push(other, open_store(URL))
    publish(home, "pub-2")
    push(home, open_store(URL))
    point_link(home.current, "pub-1")
    push(home, open_store(URL))
    with pytest.raises(StoreConflict):
        push(other, open_store(URL))
    assert bucket.Object("team/home/landing/receipts/00000002.json").get()["Body"].read() == b"one delivery"


def test_a_home_is_not_locked_out_of_its_own_store(bucket: Any, tmp_path: Path) -> None:
    """What fails after the pointer moved is made good; an answer that was lost is no other home's doing."""
    home, opened = filled(tmp_path / "one"), open_store(URL)
    push(home, opened)
    shutil.rmtree(home.lake / "accepted")
    publish(home, "pub-2")

    class NoDeleting:
        def __getattr__(self, name: str) -> Any:
            return getattr(opened.client, name)

        def delete_object(self, **_: Any) -> Any:
            raise REFUSED

    with pytest.raises(StoreError, match="delete_object"):
        push(home, stores.Store(NoDeleting(), opened.bucket, opened.prefix))
    assert pointer(bucket) == "pub-2"
    publish(home, "pub-3")

    class AnswersLost:
        def __getattr__(self, name: str) -> Any:
            return getattr(opened.client, name)

        def put_object(self, **request: Any) -> Any:
            answer = opened.client.put_object(**request)
            if request["Key"].endswith((POINTER, stores.TURN)):
                raise AGAIN
            return answer

    assert push(home, stores.Store(AnswersLost(), opened.bucket, opened.prefix)).removed == 1
    assert pointer(bucket) == "pub-3"
    assert names(bucket) == {*content(home), POINTER}


def test_a_push_that_was_killed_before_it_knew_its_turn_goes_on(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, opened = filled(tmp_path / "one"), open_store(URL)
    push(home, opened)
    publish(home, "pub-2")
    real = stores._put_if

    def killed(*asked: Any) -> None:
        real(*asked)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stores, "_put_if", killed)
        with pytest.raises(KeyboardInterrupt):
            push(home, opened)
    push(home, opened)
    assert pointer(bucket) == "pub-2"


def test_what_a_push_that_was_cut_off_left_is_removed_when_it_is_gone(bucket: Any, tmp_path: Path) -> None:
    home, opened = filled(tmp_path / "one"), open_store(URL)
    push(home, opened)
    publish(home, "pub-2")
    with pytest.raises(StoreError):
        push(home, stores.Store(Faulty(opened.client, 3, CUT_OFF), opened.bucket, opened.prefix))
    point_link(home.current, "pub-1")
    shutil.rmtree(home.published / "pub-2")
    push(home, opened)
    assert names(bucket) == {*content(home), POINTER}


def test_a_note_of_another_store_is_none_of_this_one(bucket: Any, tmp_path: Path) -> None:
    home = filled(tmp_path / "one")
    push(home, open_store(URL))
    elsewhere = open_store("s3://qamtu/elsewhere")
    assert push(home, elsewhere).sent == len(content(home))
    with pytest.raises(StoreConflict):
        push(home, open_store(URL))


def test_a_store_that_was_emptied_is_not_taken_for_full(bucket: Any, tmp_path: Path) -> None:
    home = filled(tmp_path / "one")
    push(home, open_store(URL))
    bucket.objects.all().delete()
    with pytest.raises(StoreConflict):
        push(home, open_store(URL))


def test_a_name_that_never_changes_keeps_its_content(bucket: Any, tmp_path: Path) -> None:
    home = filled(tmp_path / "one")
    push(home, open_store(URL))
    write(home, "landing/ab/abcdef.csv", "changed by hand\n")
    publish(home, "pub-2")
    with pytest.raises(StoreError, match=r"landing/ab/abcdef.csv: the store holds \w{64}, this home \w{64}"):
        push(home, open_store(URL))
    assert pointer(bucket) == "pub-1"
    assert bucket.Object("team/home/landing/ab/abcdef.csv").get()["Body"].read().startswith(b"settlement")


class Faulty:
    """A client whose calls fail as a server's do, from the n-th put on, `times` times."""

    def __init__(self, client: Any, nth: int, fault: Exception, times: int = 10**9) -> None:
        self._client, self._nth, self._fault, self._times = client, nth, fault, times
        self._lock, self.puts = threading.Lock(), 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_object(self, **request: Any) -> Any:
        with self._lock:
            self.puts += 1
            fails = self.puts >= self._nth and self._times > 0
            self._times -= fails
        if fails:
            raise self._fault
        return self._client.put_object(**request)


REFUSED = botocore.exceptions.ClientError(
    {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}},
    "PutObject",
)
CUT_OFF = botocore.exceptions.ConnectionClosedError(endpoint_url="http://store")
AGAIN = botocore.exceptions.ClientError(
    {
        "Error": {"Code": "PreconditionFailed", "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": 412},
    },
    "PutObject",
)


@pytest.mark.parametrize("fault", [REFUSED, CUT_OFF], ids=["refused", "cut off"])
@pytest.mark.parametrize("nth", range(1, 7))
def test_whatever_put_fails_readers_keep_the_release_and_the_next_push_goes_on(
    bucket: Any, tmp_path: Path, nth: int, fault: Exception
) -> None:
    home = filled(tmp_path / "one")
    push(home, open_store(URL))
    for number in range(2):
        write(home, f"landing/cd/{number}.csv", f"{number}\n")
    publish(home, "pub-2")
    opened = open_store(URL)
    with pytest.raises(StoreError, match=r"put_object of s3://qamtu/team/home/"):
        push(home, stores.Store(Faulty(opened.client, nth, fault), opened.bucket, opened.prefix))
    assert pointer(bucket) == "pub-1"
    push(home, opened)
    assert pointer(bucket) == "pub-2"
    assert names(bucket) == {*content(home), POINTER}


def test_a_store_that_throttles_is_asked_again(bucket: Any, tmp_path: Path, server: str) -> None:
    """botocore's own patience: the server really answers 503 before it answers."""
    home = filled(tmp_path / "one")
    opened = open_store(URL)
    seen = []

    def throttle(request: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        seen.append((request.method, request.url))
        if len(seen) in (2, 3):
            body = b"<Error><Code>SlowDown</Code><Message>reduce your rate</Message></Error>"
            raw = type("Raw", (), {"stream": lambda *_, **__: iter([body]), "read": lambda *_: body})()
            return AWSResponse(request.url, 503, {}, raw)
        return None

    opened.client.meta.events.register("before-send.s3.*", throttle)
    push(home, opened)
    assert names(bucket) == {*content(home), POINTER}
    assert len(set(seen)) == len(seen) - 3, "two requests were made again, and the turn is read twice"


def test_readers_find_a_whole_release_at_every_moment(bucket: Any, tmp_path: Path) -> None:
    home = filled(tmp_path / "one")
    push(home, open_store(URL))
    stop, seen, wrong = threading.Event(), set(), []

    def read() -> None:
        while not stop.is_set():
            release = pointer(bucket)
            seen.add(release)
            told = (
                bucket.Object(f"team/home/published/{release}/csv/fct_metric.csv")
                .get()["Body"]
                .read()
                .decode()
            )
            if told != f"value\n{release}\n":
                wrong.append((release, told))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(2, 8):
        publish(home, f"pub-{number}")
        push(home, open_store(URL))
    stop.set()
    reader.join()
    assert wrong == []
    assert len(seen) > 1, "the reader read while releases were made"


def test_what_was_received_elsewhere_is_never_removed(bucket: Any, tmp_path: Path) -> None:
    """Before there is a release, and so a pointer to tell two homes apart."""
    home, other = Home(tmp_path / "one"), Home(tmp_path / "two")
    write(home, "landing/ab/abcdef.csv", "settlement,level\n")
    write(other, "landing/cd/cdef01.csv", "another\n")
    push(home, open_store(URL))
    with pytest.raises(StoreConflict):
        push(other, open_store(URL))
    (home.landing / "ab" / "abcdef.csv").unlink()
    push(home, open_store(URL))
    assert "landing/ab/abcdef.csv" in names(bucket)


def test_a_first_push_that_was_cut_off_goes_on(bucket: Any, tmp_path: Path) -> None:
    home, opened = filled(tmp_path / "one"), open_store(URL)
    with pytest.raises(StoreError):
        push(home, stores.Store(Faulty(opened.client, 2, CUT_OFF), opened.bucket, opened.prefix))
    push(home, opened)
    assert names(bucket) == {*content(home), POINTER}


def test_a_restore_that_was_cut_off_is_begun_anew(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other = filled(tmp_path / "one"), Home(tmp_path / "two")
    push(home, open_store(URL))
    real = stores._get

    def cut_off(store: stores.Store, name: str, path: Path) -> None:
        if name.startswith("published/"):
            raise CUT_OFF
        real(store, name, path)

    with monkeypatch.context() as patch:
        patch.setattr(stores, "_get", cut_off)
        with pytest.raises(type(CUT_OFF)):
            stores.fill(other, open_store(URL))
    with pytest.raises(StoreError, match="not filled to the end"):
        push(other, open_store(URL))
    write(other, "landing/ef/left.csv", "of the first attempt")
    assert stores.fill(other, open_store(URL)) == len(content(home))
    assert content(other) == content(home)
    assert stores.fill(other, open_store(URL)) == 0


def test_a_release_that_is_not_there_is_no_current_one(bucket: Any, tmp_path: Path) -> None:
    push(filled(tmp_path / "one"), open_store(URL))
    bucket.Object("team/home/published/pub-1/publication.json").delete()
    with pytest.raises(StoreError, match=r"names pub-1, whose publication\.json is missing"):
        restore(Home(tmp_path / "two"), open_store(URL))


def test_a_connection_lost_inside_a_body_is_tried_again(bucket: Any, tmp_path: Path) -> None:
    home, opened = filled(tmp_path / "one"), open_store(URL)
    push(home, opened)
    lost = []

    class Body:
        def __init__(self, real: Any) -> None:
            self._real = real

        def _fail(self) -> None:
            if len(lost) < 2:
                lost.append(1)
                raise botocore.exceptions.ReadTimeoutError(endpoint_url="http://store")

        def read(self) -> bytes:
            self._fail()
            return bytes(self._real.read())

        def iter_chunks(self, size: int) -> Iterator[bytes]:
            self._fail()
            yield from self._real.iter_chunks(size)

    class Losing:
        def __getattr__(self, name: str) -> Any:
            return getattr(opened.client, name)

        def get_object(self, **request: Any) -> Any:
            answer = opened.client.get_object(**request)
            return {**answer, "Body": Body(answer["Body"])}

    other = Home(tmp_path / "two")
    restore(other, stores.Store(Losing(), opened.bucket, opened.prefix))
    assert len(lost) == 2
    assert content(other) == content(home)


def test_an_object_outside_a_home_is_not_written(bucket: Any, tmp_path: Path) -> None:
    push(filled(tmp_path / "one"), open_store(URL))
    bucket.put_object(Key="team/home/landing/../../outside.csv", Body=b"x")
    with pytest.raises(StoreError, match="no name of a file below a home"):
        restore(Home(tmp_path / "two"), open_store(URL))


def test_a_damaged_object_is_not_restored(bucket: Any, tmp_path: Path) -> None:
    push(filled(tmp_path / "one"), open_store(URL))
    held = bucket.Object("team/home/landing/ab/abcdef.csv")
    held.put(Body=b"damaged", Metadata=held.metadata)
    with pytest.raises(
        StoreError, match=r"landing/ab/abcdef.csv: its content is not what its name was given for"
    ):
        restore(Home(tmp_path / "two"), open_store(URL))


def test_a_home_that_holds_something_is_not_overwritten(bucket: Any, tmp_path: Path) -> None:
    home = filled(tmp_path / "one")
    push(home, open_store(URL))
    with pytest.raises(StoreError, match="holds something already"):
        restore(home, open_store(URL))


@pytest.mark.parametrize("url", ["qamtu/home", "https://store/qamtu", "s3://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="not the address of a store"):
        open_store(url)


def test_a_home_named_by_its_store_is_worked_on_in_a_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QAMTU_HOME", URL)
    assert store_url() == URL
    assert Home.from_environment().root == PROJECT_DIR / "var/stores/qamtu/team/home"
    monkeypatch.setenv("QAMTU_WORK", str(tmp_path))
    assert Home.from_environment().root == tmp_path
    monkeypatch.setenv("QAMTU_HOME", str(tmp_path / "home"))
    assert store_url() is None


@pytest.mark.slow
def test_a_run_fills_an_empty_home_from_its_store_and_leaves_there_what_it_received(
    bucket: Any, empty_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command itself; nothing can be published of letters, and they are kept all the same."""
    push(empty_run.home, open_store(URL))
    before = names(bucket)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "another.txt").write_text("Good evening", encoding="utf-8")
    monkeypatch.setenv("QAMTU_WORK", str(tmp_path / "two"))
    run = qamtu(URL, "run", "--inbox", str(tmp_path / "inbox"))
    assert run.code == 4, run.told
    assert f"{len(before)} files restored" in run.told
    landed = [
        name for name in names(bucket) - before if name.startswith("landing/") and "receipt" not in name
    ]
    assert len(landed) == 1
    assert (tmp_path / "two" / landed[0]).read_text() == "Good evening"
