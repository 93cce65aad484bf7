"""Whether an answer has the shape its entry describes, and what changed where it has not.

Belongs here: comparing names, and reading JSON as services write it. Does not belong here: any one service.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from ingestion.pull.errors import ShapeChanged
from ingestion.readers.records import clean_key

_SHOWN = 300


def compare(expected: Iterable[str], found: Iterable[str], where: str) -> None:
    """Refuse names that are not those expected.

    Raises:
        ShapeChanged: naming what was lost, what is new and which is likely to be which.
    """
    wanted, present = list(dict.fromkeys(expected)), list(dict.fromkeys(found))
    lost = [name for name in wanted if name not in present]
    new = [name for name in present if name not in wanted]
    if not lost and not new:
        return
    told = []
    for name in lost:
        close = difflib.get_close_matches(name, new, n=1, cutoff=0.6)
        told.append(f"lost {name!r}" + (f" (perhaps now {close[0]!r})" if close else ""))
    told += [f"new {name!r}" for name in new]
    raise ShapeChanged(
        f"{where}: the shape changed: {', '.join(told)}; it now has {present}: "
        "mend 'fields' of the entry, and the layout"
    )


def read_records(body: bytes, where: str) -> list[dict[str, Any]]:
    """A JSON list of objects, its keys without byte order marks and padding.

    Raises:
        ShapeChanged: when it is anything else; shows how it begins.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except ValueError as error:
        raise ShapeChanged(
            f"{where}: the answer is no JSON ({error}); it begins {_beginning(body)}"
        ) from error
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ShapeChanged(f"{where}: the answer is no list of records; it begins {_beginning(body)}")
    return [{clean_key(key): held for key, held in one.items()} for one in value]


def _beginning(body: bytes) -> str:
    return repr(body[:_SHOWN].decode("utf-8", "replace"))
