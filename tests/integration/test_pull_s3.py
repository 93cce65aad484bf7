"""Pulls from an S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.integration.pull_kit import landed, pulled
from tests.integration.s3_kit import s3_server
from warehouse.paths import Home

KEYS = {"DALA_KEY": "AKIADALADALADALADALA", "DALA_SECRET": "s3cret-of-the-operator"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(server: str) -> Iterator[Any]:
    store = boto3.resource(
        "s3", endpoint_url=server, region_name="eu-central-1", aws_access_key_id=KEYS["DALA_KEY"],
        aws_secret_access_key=KEYS["DALA_SECRET"],
    )  # fmt: skip
    made = store.create_bucket(
        Bucket="dala", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    yield made
    made.objects.all().delete()
    made.delete()


def source(server: str, **more: object) -> dict[str, object]:
    return {
        "uri": "s3://dala/filings", "files": ["**/*.csv"], "endpoint": server, "region": "eu-central-1",
        "credentials": {"access_key_id": "DALA_KEY", "secret_access_key": "DALA_SECRET"}, **more,
    }  # fmt: skip


def test_objects_below_the_prefix_land_once(home: Home, server: str, bucket: Any) -> None:
    content = b"a,b\n" + b"1,2\n" * 2_000_000
    bucket.put_object(Key="filings/2025/dala_2025q4.csv", Body=content)
    bucket.put_object(Key="filings/readme.txt", Body=b"hello")
    bucket.put_object(Key="elsewhere/dala_2025q3.csv", Body=b"a,b\n")
    first = pulled(home, source(server), environment=KEYS)
    again = pulled(home, source(server), environment=KEYS)
    bucket.put_object(Key="filings/2025/dala_2025q4.csv", Body=content)
    touched = pulled(home, source(server), environment=KEYS)
    bucket.put_object(Key="filings/2025/dala_2025q4.csv", Body=b"a,b\n1,3\n")
    mended = pulled(home, source(server), environment=KEYS)
    runs = (first, again, touched, mended)
    assert [[one.status for one in run.files] for run in runs] == [
        ["landed"],
        ["unchanged"],
        ["unchanged"],
        ["landed"],
    ]
    ((name, (held, receipt)),) = landed(home).items()
    assert (name, held) == ("test_dala/2025/dala_2025q4.csv", b"a,b\n1,3\n")
    assert receipt.origin is not None
    assert receipt.origin.uri == "s3://dala/filings/2025/dala_2025q4.csv"


def test_a_bucket_that_is_not_there_is_told_in_words(home: Home, server: str) -> None:
    (told,) = pulled(
        home, source(server, uri="s3://dala-lost/filings", files=["a.csv"]), environment=KEYS
    ).files
    assert told.status == "failed"
    assert "not found" in str(told.message)
    assert KEYS["DALA_SECRET"] not in str(told)
