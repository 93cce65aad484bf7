"""Datasets of data.egov.kz: records page by page, for those who have a key.

Belongs here: what is asked, where it ends, and the shape of a record. Does not belong here: keeping answers (`pages`).
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from ingestion.pull.errors import PullError, ShapeChanged
from ingestion.pull.pages import Pages
from ingestion.pull.shape import compare, read_records
from ingestion.sender import EgovDataset

_MOST_PAGES = 20_000


def read_dataset(api: EgovDataset, key: str, pages: Pages) -> None:
    """Ask for page after page until one is not full.

    Raises:
        PullError: when the service answers with nothing at all, as it does to those whose key it does not know.
        ShapeChanged: when records have other keys than the entry's, or a page is the one before once more.
    """
    before: list[dict[str, Any]] = []
    for number in range(_MOST_PAGES):
        where = f"data.egov.kz {api.dataset}/{api.version}, records from {number * api.page_rows}"
        query = json.dumps({"from": number * api.page_rows, "size": api.page_rows}, separators=(",", ":"))
        records = pages.get(
            f"{number:05d}.json",
            f"api/v4/{api.dataset}/{api.version}",
            {"apiKey": key, "source": query},
            partial(_records, api, where),
        )
        if records and records == before:
            raise ShapeChanged(
                f"{where}: the page before came once more: the service no longer pages by 'from'"
            )
        if not number and not records:
            raise ShapeChanged(f"{where}: the dataset holds no record")
        if len(records) < api.page_rows:
            return
        before = records
    raise PullError(f"data.egov.kz {api.dataset}/{api.version}: no end after {_MOST_PAGES:,} pages")


def _records(api: EgovDataset, where: str, body: bytes) -> list[dict[str, Any]]:
    if not body.strip():
        raise PullError(f"{where}: an empty answer, as the service gives to those whose key it does not know")
    records = read_records(body, where)
    if records:
        # A record without a value leaves out its key: all records of the page together must have every one.
        compare(api.fields, [key for record in records for key in record], where)
    return records
