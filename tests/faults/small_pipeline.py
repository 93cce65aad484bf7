"""The whole way from inbox to release in two seconds: real ingestion, dbt, audit and publication of a tiny country.

Belongs here: that country, one run of it, and the process that runs it again and again with a fault to suffer. Does not
belong here: which faults, and what must hold after them (`survival`).

`python -m tests.faults.small_pipeline FOLDER` loads everything once and then forks a child for each line it reads: a
JSON object of `run`'s arguments. It answers with the child's exit code, negative for a signal.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from expectations.suite import Suite
from tests.unit.ingestion_kit import CHANGE_LAYOUT, CHANGES, FILING, GEOGRAPHY, HEADER, KATO, layout
from warehouse.paths import Home

FINISHED, REFUSED = 0, 9
#: What ends a run with an error of its own: neither a finished run nor a signal.
FAILED = 7

_PROJECT = {
    "dbt_project.yml": "name: small\nversion: '1.0'\nprofile: small\nmodels:\n  +schema: marts\n"
    "  +materialized: table\n  small: {staging: {+schema: staging, +materialized: view}}\n",
    "profiles.yml": "small: {target: d, outputs: {d: {type: duckdb, path: \"{{ env_var('QAMTU_BUILD_FILE') }}\", "
    "settings: {home_directory: \"{{ env_var('QAMTU_LAKE') }}\"}}}}\n",
    "macros/schema.sql": "{% macro generate_schema_name(name, node) %}{{ name }}{% endmacro %}",
    "models/staging/sources.yml": """
version: 2
sources:
- name: lake
  schema: lake
  config:
    meta:
      external_location: >-
        read_parquet('~/accepted/{name}/**/*.parquet', union_by_name = true,
        hive_partitioning = false)
  tables:
  - name: operator_availability
  - name: extract
    config:
      meta: {external_location: "read_parquet('~/meta/extract.parquet')"}
""",
    "models/staging/stg_extract.sql": "select extract_id, is_current, is_sample from {{ source('lake', 'extract') }}",
    "models/staging/stg_availability.sql": """
select received.as_of_date, received.settlement_kato, received.technology, received.connection_level
from {{ source('lake', 'operator_availability') }} as received
inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
where extracts.is_current
""",
    "models/fct_coverage.sql": """
select
    as_of_date, technology, count(distinct settlement_kato) as settlements_covered,
    count(distinct settlement_kato) * 100.0e0 / 6 as settlements_covered_pct,
    'published' as status, cast(null as varchar) as withheld_reason
from {{ ref('stg_availability') }}
where connection_level >= 2
group by as_of_date, technology
""",
    "models/dim_metric.sql": """
select
    'settlements_covered_pct' as metric_id, 'fct_coverage' as source_table,
    'operator_availability' as required_extracts
""",
    "models/fct_metric.sql": """
select
    'settlements_covered_pct' as metric_id, as_of_date, technology, settlements_covered_pct as value,
    'published' as status, cast(null as varchar) as withheld_reason
from {{ ref('fct_coverage') }}
inner join {{ ref('dim_metric') }} on metric_id = 'settlements_covered_pct'
""",
    "models/m.yml": """
models:
- name: fct_coverage
  config: {meta: {figures: {settlements_covered_pct: [settlements_covered, settlements_covered_pct]}}}
  columns: [{name: technology, data_tests: [not_null]}]
- name: dim_metric
  columns: [{name: metric_id, data_tests: [unique]}]
- name: fct_metric
  config: {meta: {figures_by_row: {metric_column: metric_id, columns: [value]}}}
  columns: [{name: as_of_date, data_tests: [not_null]}]
""",
}

_SUITE = Suite.model_validate(
    {
        "suite": "shares",
        "description": "Shares of settlements are shares.",
        "expectations": [
            {
                "id": "shares_lie_in_bounds",
                "description": "A share of settlements lies between nought and a hundred.",
                "severity": "blocking",
                "tables": ["marts.fct_coverage"],
                "query": "select technology, settlements_covered_pct from marts.fct_coverage order by all",
                "expect": "expect_column_values_to_be_between",
                "kwargs": {"column": "settlements_covered_pct", "min_value": 0, "max_value": 100},
                "remedy": "Look at the operator's filing for this technology.",
            }
        ],
    }
)

_VILLAGES = ("103230100", "103230200", "103230500", "103230600", "103230700", "113220100")


def write_inbox(folder: Path, quarters: int, rows: int = 200) -> None:
    """The map and one filing a quarter; the last row of each names no place there is."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kato.csv").write_text(KATO, encoding="utf-8")
    (folder / "changes.csv").write_text(CHANGES, encoding="utf-8")
    for quarter, end in list(enumerate(("31.03", "30.06", "30.09", "31.12"), start=1))[:quarters]:
        lines = [
            f"{end}.2025;;;;{kato};{technology};{(quarter + i) % 5};100 000,0;{i}.5;{i};0".replace(
                ".5;", ",5;"
            )
            for i, kato in enumerate(_VILLAGES)
            for technology in ("ВОЛС", "4G/LTE")
        ]
        lines += [f"{end}.2025;;;;999999999;ВОЛС;3;1,0;1,0;{i};0" for i in range(rows)]
        text = "\r\n".join([HEADER, *lines]) + "\r\n"
        (folder / f"dala_2025q{quarter}.csv").write_bytes(text.encode("cp1251"))


def write_project(folder: Path) -> Path:
    for name, text in _PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run_once(home: Home, inbox: Path) -> None:
    """Inbox to release, as a run of the main job does it, without Dagster."""
    from expectations.audit import run_audit
    from expectations.gate import judge
    from ingestion.pipeline import ingest
    from orchestration import dbt_engine
    from warehouse.releases import publish

    ingest(home, inbox)
    dbt_engine.ensure_manifest(home)
    dbt_engine.build(home)
    run_audit(home, suites=[_SUITE])
    verdicts = judge(home, suites=[_SUITE])
    release = publish(home, verdicts, "code-1")
    if release.withheld or release.path is None:
        raise RuntimeError(f"withheld: {release.withheld}")


# --- The process that is killed -----------------------------------------------------------------------------


_EFFECTS = frozenset(
    {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.chmod", "os.truncate"}
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Effects:
    """Counts what the process does to files of the home, and lets the n-th of it be its last, or fail."""

    def __init__(self, home: Path, kill_at: int | None, fail_at: int | None, errno: int) -> None:
        self.count, self._home = 0, str(home)
        self._kill_at, self._fail_at, self._errno = kill_at, fail_at, errno

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, str | bytes | os.PathLike) or not (flags or 0) & _WRITES:
                return
        elif event not in _EFFECTS:
            return
        if not any(self._home in str(one) for one in arguments[:2]):
            return
        self.count += 1
        if self.count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.count == self._fail_at:
            raise OSError(self._errno, os.strerror(self._errno))


def _child(
    folder: Path,
    home_name: str = "home",
    kill_at: int | None = None,
    kill_after_seconds: float | None = None,
    fail_at: int | None = None,
    errno: int = 28,
    report: str | None = None,
) -> int:
    home = Home(folder / home_name)
    effects = Effects(home.root, kill_at, fail_at, errno)
    sys.addaudithook(effects)
    if kill_after_seconds is not None:
        # The kernel's own clock: native code is cut off wherever it is.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, kill_after_seconds)
    try:
        run_once(home, folder / "inbox")
    except Exception as error:
        Path(folder / "error.txt").write_text(f"{type(error).__name__}: {error}")
        return FAILED
    signal.setitimer(signal.ITIMER_REAL, 0)
    if report:
        Path(report).write_text(str(effects.count))
    return FINISHED


def _serve(folder: Path) -> None:
    import great_expectations  # noqa: F401
    from dbt.cli.main import dbtRunner  # noqa: F401

    from ingestion import pipeline
    from orchestration import dbt_engine

    dbt_engine.PROJECT = write_project(folder / "project")
    layouts = {one.layout_id: one for one in map(layout, (GEOGRAPHY, CHANGE_LAYOUT, FILING))}
    pipeline.load_layouts = lambda: layouts  # type: ignore[assignment]
    pipeline.ingestion_version()
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            sink = os.open(folder / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            os._exit(_child(folder, **json.loads(line)))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


class SmallPipeline:
    """A process that runs the tiny country in `folder`, with a fault to suffer where one is asked for."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.folder, self.home, self.inbox = folder, Home(folder / "home"), folder / "inbox"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.small_pipeline", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env=os.environ | (environment or {}),
        )
        self._answer_is("ready")

    def run(self, **fault: Any) -> int:
        """One run; its exit code, negative for the signal that ended it."""
        self.begin(**fault)
        return self.end()

    def begin(self, **fault: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(fault) + "\n")
        self._process.stdin.flush()

    def end(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def error(self) -> str:
        """What the last run that failed said."""
        return (self.folder / "error.txt").read_text() + (self.folder / "output.txt").read_text()[-2000:]

    def _answer_is(self, wanted: str) -> None:
        assert self._process.stdout is not None
        told = self._process.stdout.readline().strip()
        if told != wanted:
            raise RuntimeError(f"the small pipeline did not start: {told}")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def __enter__(self) -> SmallPipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
