"""`python -m orchestration.spark_process`: one build on Apache Spark, in a process of its own.

Belongs here: dbt's commands on Spark, in order. Does not belong here: what is to be built, or what becomes of it
(`spark_engine`, which starts this and sends its order as one line of JSON on standard input).

A process of its own, because a session's Java machine lives as long as the process that started it, writes to its
standard error, and takes what it knows of tables with it when it ends. It ends at once when whoever started it is gone:
two builds must never write the same tables.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestration.dbt_engine import DbtError, build_arguments, call_dbt

#: Spark does not answer, at the start or any more.
GONE = 75


@dataclass(frozen=True)
class Order:
    """What to build. `arguments` stand in every dbt command; `tables`, `standing` and `fallen` are those of the macro
    `open_spark`; `select` names nodes. Results are written to `results`, as dbt does, and to `error` what kept the
    build from its end, in words.
    """

    arguments: list[str]
    logs: str
    tables: str
    standing: list[str]
    fallen: list[str]
    select: list[str]
    results: str
    error: str

    def as_json(self) -> str:
        """The order as it is sent."""
        return json.dumps(asdict(self))


def carry_out(order: Order) -> int:
    """Build, write the results, and find out whether Spark is still there; the exit code.

    A model that fails is a result. When Spark has gone, those that it made before are results too.
    """
    logs = Path(order.logs)
    manifest = call_dbt(["parse", "--no-partial-parse", "--no-write-json", *order.arguments], logs)

    def operation(macro: str, **values: Any) -> str | None:
        """Run a macro; what went wrong."""
        told = ["--args", json.dumps(values)] if values else []
        words: list[str] = []
        try:
            answer = call_dbt(["run-operation", macro, *told, *order.arguments], logs, manifest, words.append)
        except DbtError as error:
            return str(error)
        if all(result.status == "success" for result in answer.results):
            return None
        return "; ".join(words) or f"{macro} failed"

    if error := operation("open_spark", folder=order.tables, standing=order.standing, fallen=order.fallen):
        Path(order.error).write_text(error, encoding="utf-8")
        return GONE if operation("ask_spark") else 1
    result = call_dbt(
        [*build_arguments(order.select), "--no-write-json", *order.arguments], logs, manifest, _tell
    )
    result.write(order.results)
    if any(node.status == "error" for node in result.results) and (error := operation("ask_spark")):
        Path(order.error).write_text(error, encoding="utf-8")
        return GONE
    return 0


def _tell(line: str) -> None:
    print(line, flush=True)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def main() -> int:
    """Read the order and carry it out; 0 done, 75 Spark has gone, 1 dbt could not do its work."""
    order = Order(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        return carry_out(order)
    except DbtError as error:
        Path(order.error).write_text(str(error), encoding="utf-8")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
