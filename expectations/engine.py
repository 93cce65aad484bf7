"""Great Expectations, kept small: one context, frames in, findings out.

Belongs here: the only use of the library. Does not belong here: which expectations there are, where evidence
goes. The library takes seconds to import, so it is imported when the first expectation is evaluated.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SHOWN_ROWS = 20
_DETAILED = {"result_format": "SUMMARY", "partial_unexpected_count": SHOWN_ROWS}


@dataclass(frozen=True)
class Finding:
    """What an expectation found in a frame: in words without any value, and as a JSON list of up to 20 rows."""

    success: bool
    observed: str
    failing_count: int
    offending_rows: str


class Engine:
    """One ephemeral Great Expectations context with one asset that takes any frame."""

    def __init__(self) -> None:
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        logging.getLogger("great_expectations").setLevel(logging.WARNING)
        import great_expectations
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        # That module raises its own logger's level again.
        logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
        # Without a page of its own the library leaves no folder in the system's temporary one.
        stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
        context = great_expectations.get_context(
            mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=stores)
        )
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
        self._batches = asset.add_batch_definition_whole_dataframe("whole")
        self._types = great_expectations.expectations

    def evaluate(
        self,
        frame: pd.DataFrame,
        expect: str,
        kwargs: Mapping[str, Any],
        whole: Callable[[], pd.DataFrame] | None = None,
    ) -> Finding:
        """Evaluate one expectation on a frame, and where it does not hold, on the `whole` of it.

        `frame` may then be the same rows in fewer columns: enough to learn that all is well. Errors: ValueError when it
        cannot be carried out on this frame.
        """
        name = "".join(part.title() for part in expect.split("_"))
        try:
            expectation = getattr(self._types, name)(**kwargs)
        except AttributeError:
            raise ValueError(f"Great Expectations has no {expect}") from None
        # To learn that all is well costs half of learning what is wrong, and all is well nearly always.
        for result_format in ({"result_format": "BOOLEAN_ONLY"}, _DETAILED):
            if whole is not None and result_format is _DETAILED:
                frame = whole()
            batch = self._batches.get_batch(batch_parameters={"dataframe": frame})
            result = batch.validate(expectation, result_format=result_format)
            if raised := _exception(result.exception_info or {}):
                raise ValueError(raised)
            if result.success:
                return Finding(True, f"{rows_in_words(len(frame))} looked at", 0, "[]")
        return _failure(frame, dict(result.result or {}))


def _exception(info: Mapping[str, Any]) -> str | None:
    """The message of an exception that the library caught; it nests them by metric."""
    if "raised_exception" in info:
        return str(info.get("exception_message")) if info["raised_exception"] else None
    for nested in info.values():
        if isinstance(nested, Mapping) and (message := _exception(nested)):
            return message
    return None


def _failure(frame: pd.DataFrame, result: Mapping[str, Any]) -> Finding:
    if "unexpected_count" in result:
        count = int(result["unexpected_count"])
        rows = frame.iloc[list(result.get("partial_unexpected_index_list") or ())]
    else:
        # An expectation about the table as a whole: the frame itself is what was found.
        count, rows = len(frame), frame
    of = f"{count} of {rows_in_words(len(frame))}" if count < len(frame) else rows_in_words(count)
    return Finding(False, of, count, rows_as_json(rows))


def rows_as_json(frame: pd.DataFrame) -> str:
    """Up to 20 rows of a frame as a JSON list; a date without the midnight that pandas adds."""
    rows = json.loads(frame.head(SHOWN_ROWS).to_json(orient="records", date_format="iso", date_unit="s"))
    return json.dumps(
        [{key: _short(value) for key, value in row.items()} for row in rows], ensure_ascii=False
    )


def rows_in_words(count: int) -> str:
    """`1 row`, `2 rows`."""
    return f"{count} row" if count == 1 else f"{count} rows"


def _short(value: Any) -> Any:
    return re.sub(r"T00:00:00Z?$", "", value) if isinstance(value, str) else value
