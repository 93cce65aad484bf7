"""What a release costs beside the build it is made from, and a question to it beside a plain file; small and large.

Belongs here: the sample's release and one of many quarters. Does not belong here: how a run is timed (`measure`).
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import filings
from benchmarks.measure import Timing
from benchmarks.report import Judged, Measured, Report
from benchmarks.scenarios import Bench, fill, prepare_reference, stages

_KB, _MB = 1000, 1_000_000


def releases(bench: Bench, quarters: int) -> Report:
    """The sample's release, and that of a warehouse of `quarters`, each with dbt's build of the same tables."""
    bench.clear()
    run = bench.run("sample", ["--sample"])
    report = _release(bench, "the sample", run)
    sample_bytes = _csv_bytes(bench)
    files = filings.national(bench.work, filings.QUARTER_ADDRESSES)
    prepare_reference(bench, files.reference_inbox)
    bench.restore("reference")
    inbox = bench.work / "inbox_large"
    fill(bench, inbox, quarters)
    report.add(
        _release(bench, f"{quarters} quarters", bench.run(f"{quarters} quarters", ["--inbox", str(inbox)]))
    )
    report.remarks.append(
        f"The release of {quarters} quarters holds {_csv_bytes(bench) / sample_bytes:.1f} times as much as the "
        f"sample's ({sample_bytes / _MB:.0f} MB as CSV)."
    )
    return report


def _release(bench: Bench, name: str, run: Timing) -> Report:
    measured = Measured(f"`qamtu run`, {name}", [run])
    build = Measured(f"`dbt build` alone, {name}", [bench.dbt_build()])
    told = stages(measured)
    asked = json.loads(bench.question().output)
    pages = {path: path.stat().st_size for path in (bench.home.current / "report").rglob("*.html")}
    first = max(size for path, size in pages.items() if path.name == "index.html")
    return Report(
        measured=[measured, build],
        judged=[
            Judged(
                f"release of {name}, exports and report together / its `dbt build`",
                told["release"] / build.seconds,
                1,
            ),
            Judged(
                f"an analyst's question to {name} / to plain Parquet", asked["release"] / asked["file"], 1.5
            ),
            Judged(
                f"the same with opening {name} each time / with opening nothing but the file",
                asked["release_opened"] / asked["file_opened"],
            ),
            Judged(f"first screen of the report of {name}", first / _KB, 300, unit="kB"),
            Judged(f"largest page of the report of {name}", max(pages.values()) / _MB, 2, unit="MB"),
        ],
        stages={name: told},
    )


def _csv_bytes(bench: Bench) -> int:
    folder: Path = bench.home.current / "csv"
    return sum(path.stat().st_size for path in folder.glob("*.csv"))
