"""Pulls from statistics services: elements of stat.gov.kz, Taldau's tree, pages of data.egov.kz.

The answers imitate those services: tabs called CSV, a byte order mark, padded keys, an empty answer without a key.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.pull_kit import Resource, WebServer, landed, pulled
from warehouse.paths import Home

COLUMNS = ["NAM", "DAT", "PERIOD", "КАТО(по каталогу)", "СПТМ (по каталогу)", "VAL"]
ELEMENT = "/api/iblock/element/6584/csv/file/ru/"
STATIC = "/upload/6584.csv"


def element_text(columns: list[str] = COLUMNS) -> bytes:
    rows = [columns, ["Численность", "31.12.2025", "2025 год", "АБАЙ", "Всего", "602 832"][: len(columns)]]
    return "\ufeff".encode() + "\r\n".join("\t".join(f'"{cell}"' for cell in row) for row in rows).encode()


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    server.answers[ELEMENT] = lambda query: (302, b"", {"Location": STATIC})
    server.files[STATIC] = Resource(element_text())
    yield server
    server.stop()


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


# --- stat.gov.kz --------------------------------------------------------------------------------------------------


def element(web: WebServer, **more: Any) -> dict[str, Any]:
    api = {"kind": "stat_gov_element", "element": 6584, "format": "csv", "fields": COLUMNS}
    return {"uri": web.uri, "name": "element_6584.csv", "api": api | more}


def test_an_element_lands_as_the_service_answers_and_is_asked_for_once(home: Home, web: WebServer) -> None:
    assert pulled(home, element(web)).files[0].status == "landed"
    assert pulled(home, element(web)).files[0].status == "unchanged"
    assert landed(home)["test_dala/element_6584.csv"][0] == element_text()
    assert [request.status for request in web.asked(STATIC)] == [200, 304]


def test_other_columns_of_an_element_are_an_error_that_shows_them(home: Home, web: WebServer) -> None:
    web.files[STATIC] = Resource(element_text([*COLUMNS[:3], "КАТО", "VAL"]))
    (told,) = pulled(home, element(web)).files
    assert told.status == "failed"
    assert "lost 'КАТО(по каталогу)'" in str(told.message)
    assert "new 'КАТО'" in str(told.message)
    assert not landed(home)
    # Nothing received is lost: the answer is there to be looked at, and is fetched anew once the entry is mended.
    assert (home.pulls / "refused" / "test_dala" / "element_6584.csv").read_bytes() == web.files[STATIC].body
    mended = element(web, fields=[*COLUMNS[:3], "КАТО", "VAL"])
    assert pulled(home, mended).files[0].status == "landed"


@pytest.mark.parametrize(
    ("series", "told"),
    [
        (
            [{"terms": ["741880"], "termNames": ["АБАЙ"], "periods": [{"date": "31.12.2025", "value": "1"}]}],
            None,
        ),
        ([{"terms": [], "names": [], "periods": []}], "lost 'termNames'"),
        ([{"terms": [], "termNames": [], "periods": [{"day": "31.12.2025", "value": "1"}]}], "lost 'date'"),
        ([], "holds no series"),
        ({"error": "not found"}, "no list of records"),
    ],
)
def test_json_of_an_element_is_looked_at_too(
    series: Any, told: str | None, home: Home, web: WebServer
) -> None:
    path = "/api/iblock/element/region/6584/json/file/ru/"
    body = json.dumps(series).encode()
    web.files[path] = Resource(body, headers={"Content-Type": "application/json"})
    source = element(web, format="json", regional=True) | {"name": "element_6584.json"}
    (fetched,) = pulled(home, source).files
    assert told is None or told in str(fetched.message)
    assert (fetched.status == "landed") == (told is None)


def test_a_workbook_that_is_a_page_of_errors_never_lands(home: Home, web: WebServer) -> None:
    path = "/api/iblock/element/6584/file/ru/"
    source = element(web, format="xlsx", fields=[]) | {"name": "element_6584.xlsx"}
    web.files[path] = Resource(b"Element not found", headers={"Content-Type": "application/octet-stream"})
    assert "no workbook" in str(pulled(home, source).files[0].message)
    web.files[path] = Resource(
        b"PK\x03\x04...", etag='"2"', headers={"Content-Type": "application/octet-stream"}
    )
    assert pulled(home, source).files[0].status == "landed"


# --- data.egov.kz -------------------------------------------------------------------------------------------------

DATASET = "/api/v4/halkyny/v4"
KEY = "k3y/of+the=bureau"
FIELDS = ["region", "men", "women"]
Answer = tuple[int, bytes, dict[str, str]]


def dataset(web: WebServer, **more: Any) -> dict[str, Any]:
    api = {"kind": "egov_dataset", "dataset": "halkyny", "version": "v4", "page_rows": 4, "fields": FIELDS}
    return {
        "uri": web.uri, "name": "population_egov.zip", "api": api | more, "credentials": {"api_key": "EGOV_KEY"},
    }  # fmt: skip


def egov(
    records: list[dict[str, Any]], troubles: dict[int, list[int]] | None = None
) -> Callable[..., Answer]:
    """The service: pages of records for those who have the key, nothing for others; troubles by first record."""

    def answer(query: dict[str, str]) -> Answer:
        if query.get("apiKey") != KEY:
            return 200, b"", {}
        asked = json.loads(query["source"])
        left = (troubles or {}).get(asked["from"], [])
        if left:
            return left.pop(0), b"", {}
        page = records[asked["from"] : asked["from"] + asked["size"]]
        return 200, json.dumps(page, ensure_ascii=False).encode(), {"Content-Type": "application/json"}

    return answer


def regions(count: int) -> list[dict[str, Any]]:
    return [{"region": f"Область {i}", "men": str(i), "women": str(i + 1)} for i in range(count)]


@pytest.mark.parametrize(("count", "pages"), [(3, 1), (4, 2), (10, 3)])
def test_a_dataset_is_read_to_its_end_and_kept_as_answered(
    count: int, pages: int, home: Home, web: WebServer
) -> None:
    web.answers[DATASET] = egov(regions(count))
    environment = {"EGOV_KEY": KEY}
    assert pulled(home, dataset(web), environment=environment).files[0].status == "landed"
    answers = members(landed(home)["test_dala/population_egov.zip"][0])
    assert list(answers) == [f"{page:05d}.json" for page in range(pages)]
    assert [record for body in answers.values() for record in json.loads(body)] == regions(count)
    assert pulled(home, dataset(web), environment=environment).files[0].status == "unchanged"


def test_a_dataset_goes_on_with_the_page_it_broke_off_at(home: Home, web: WebServer) -> None:
    web.answers[DATASET] = egov(regions(10), {4: [429], 8: [503] * 4})
    environment = {"EGOV_KEY": KEY}
    assert pulled(home, dataset(web), environment=environment).files[0].status == "failed"
    assert not landed(home)
    asked = len(web.requests)
    assert pulled(home, dataset(web), environment=environment).files[0].status == "landed"
    assert [json.loads(request.query["source"])["from"] for request in web.requests[asked:]] == [8]


def test_pages_of_another_day_are_not_put_together_with_those_of_today(home: Home, web: WebServer) -> None:
    web.answers[DATASET] = egov(regions(10), {8: [503] * 4})
    environment = {"EGOV_KEY": KEY}
    pulled(home, dataset(web), environment=environment)
    for page in home.landing.rglob("*.pages/00000.json"):
        os.utime(page, (0, 0))
    asked = len(web.requests)
    assert pulled(home, dataset(web), environment=environment).files[0].status == "landed"
    assert [json.loads(request.query["source"])["from"] for request in web.requests[asked:]] == [0, 4, 8]


def test_a_key_that_is_not_known_is_told_without_it(home: Home, web: WebServer) -> None:
    web.answers[DATASET] = egov(regions(3))
    (told,) = pulled(home, dataset(web), environment={"EGOV_KEY": "an0ther"}).files
    assert "whose key it does not know" in str(told.message)
    web.answers[DATASET] = lambda query: (403, b"", {})
    (refused,) = pulled(home, dataset(web), environment={"EGOV_KEY": KEY}).files
    assert "403" in str(refused.message)
    kept = b"".join(path.read_bytes() for path in home.root.rglob("*") if path.is_file())
    assert "apiKey=$EGOV_KEY" in str(refused.message)
    # Whichever way a URL writes it, its beginning would show.
    for secret in ("k3y", "an0ther"):
        assert secret not in f"{told} {refused}"
        assert secret.encode() not in kept


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (egov([{"region": "Абай", "male": "1", "women": "2"}]), "lost 'men'"),
        (lambda query: (200, b'{"message": "limit reached"}', {}), "limit reached"),
        (lambda query: (200, json.dumps(regions(4)).encode(), {}), "no longer pages by 'from'"),
        (egov([]), "holds no record"),
    ],
    ids=["renamed field", "message", "same page for ever", "nothing"],
)
def test_a_changed_dataset_is_an_error_that_shows_what_changed(
    answer: Callable[..., Answer], told: str, home: Home, web: WebServer
) -> None:
    web.answers[DATASET] = answer
    (fetched,) = pulled(home, dataset(web), environment={"EGOV_KEY": KEY}).files
    assert (fetched.status, told in str(fetched.message)) == ("failed", True)
    assert not landed(home)


# --- Taldau -------------------------------------------------------------------------------------------------------

TREE = "/ru/Api/GetIndexTreeData"
NODES = {
    "": [("741880", "РЕСПУБЛИКА КАЗАХСТАН", False)],
    "741880": [("77208978", "Абай", False), ("741881", "г. Алматы", True)],
    "77208978": [("77208979", "Абайский район", True)],
}


def taldau(nodes: dict[str, list[tuple[str, str, bool]]] = NODES, **more: str) -> Callable[..., Answer]:
    """The service: keys padded with spaces after a byte order mark, whether a node has children as text."""

    def answer(query: dict[str, str]) -> Answer:
        assert (query["p_index_id"], query["p_dicIds"], query["p_terms"]) == ("703831", "67", "741880")
        found = [
            {"id ": term, "text": name, "leaf": str(leaf).lower(), "y122024 ": "1", "y122025": "2"} | more
            for term, name, leaf in nodes[query["p_parent_id"]]
        ]
        return 200, "\ufeff".encode() + json.dumps(found, ensure_ascii=False).encode(), {}

    return answer


def index(web: WebServer, **more: Any) -> dict[str, Any]:
    api = {"kind": "taldau_tree", "index": 703831, "fields": ["id", "text", "leaf"], "levels": 2}
    return {"uri": web.uri, "name": "index_703831.zip", "api": api | more}


def test_a_tree_is_read_down_to_its_leaves(home: Home, web: WebServer) -> None:
    web.answers[TREE] = taldau()
    assert pulled(home, index(web)).files[0].status == "landed"
    answers = members(landed(home)["test_dala/index_703831.zip"][0])
    assert list(answers) == ["00000-root.json", "00001-741880.json", "00002-77208978.json"]
    assert answers["00001-741880.json"].startswith("\ufeff".encode())


def test_a_tree_is_read_no_deeper_than_the_entry_says(home: Home, web: WebServer) -> None:
    web.answers[TREE] = taldau()
    assert pulled(home, index(web, levels=1)).files[0].status == "landed"
    assert [request.query["p_parent_id"] for request in web.asked(TREE)] == ["", "741880"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (taldau(unit="человек"), "new 'unit'"),
        (lambda query: (200, b'[{"id": "1", "text": "x", "leaf": "true"}]', {}), "no node has a value"),
        (lambda query: (200, b"<html>", {}), "no JSON"),
    ],
    ids=["new key", "no values", "page for people"],
)
def test_a_changed_tree_is_an_error_that_shows_what_changed(
    answer: Callable[..., Answer], told: str, home: Home, web: WebServer
) -> None:
    web.answers[TREE] = answer
    (fetched,) = pulled(home, index(web)).files
    assert (fetched.status, told in str(fetched.message)) == ("failed", True)
    assert not landed(home)
