"""Writes docs/explain.md: the output of `qamtu explain` and `qamtu diff` for one number of each of S1 to S9.

    python -m docs.explanations HOME

HOME is a home with at least two releases of the sample; the current one is explained, and compared with the one before.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console

from warehouse.explain import NATION, Figure, explain, explain_delivery
from warehouse.explanation_text import print_delivery, print_explanation
from warehouse.paths import PROJECT_DIR, Home
from warehouse.revision import compare_releases
from warehouse.revision_text import print_revisions
from warehouse.verify import read_publication

TURKISTAN = "610000000"
FIGURES = (
    ("S1, population access", Figure("population_covered_pct", TURKISTAN, "4g")),
    ("S2, rural connection", Figure("settlements_connected", TURKISTAN, "level_2")),
    ("S3, rural mobile", Figure("settlements_mobile_covered_pct", TURKISTAN, "4g")),
    ("S4, rural fibre", Figure("fibre_villages", TURKISTAN)),
    ("S5, urban 5G", Figure("urban_5g_area_pct")),
    ("S6, highways", Figure("highway_km_covered", technology="4g")),
    ("S7, international", Figure("milestone_slippage_days", technology="caspian_cable.cable_laid")),
    ("S8, satellites", Figure("satellites_delivered")),
    ("S9, QazTech", Figure("government_systems_qaztech_pct", technology="all_new")),
)
DELIVERY = "sample_dala/availability_2025q4.csv"
INTRODUCTION = """# Where a number comes from

`qamtu explain METRIC` goes from a published number down to the settlements (roads, cities, contracts) that it counts,
and on to file, sheet and row of what each sender filed, with the census behind the whole, the checks that it needed,
and the models that made it. `qamtu explain FILE` goes the other way. For SQL there is `marts.meta_lineage`, and
`marts.files_behind(metric, day)`. Terms and deliveries are those of the release that is asked, rows come from the lake;
`--json` and `--csv FILE` give all of them. A withheld figure shows the reason and the checks, and no terms.

Everything below was printed from releases of the sample country by `python -m docs.explanations HOME`: no figure is one
of the real country.
"""


def main(home: Home) -> None:
    """Write the page from the releases of a home."""
    release = home.current.resolve()
    parts = [INTRODUCTION]
    for title, figure in FIGURES:
        console = _console()
        print_explanation(explain(home, release, figure), console, top=4)
        parts.append(f"\n## {title}\n{_block(_command(figure), console)}")
    console = _console()
    print_delivery(explain_delivery(home, release, DELIVERY), console, top=8)
    parts.append(f"\n## Up from a file\n{_block(f'qamtu explain {DELIVERY}', console)}")
    parts.append(f"\n## What a release changed\n{_block('qamtu diff', _diff(home, release))}")
    (PROJECT_DIR / "docs" / "explain.md").write_text("".join(parts), encoding="utf-8")


def _diff(home: Home, release: Path) -> Console:
    console = _console(170)
    before = home.published / read_publication(release)["previous_publication_id"]
    print_revisions(before.name, release.name, compare_releases(before, release).to_pylist(), console, top=14)
    return console


def _command(figure: Figure) -> str:
    words = ["qamtu explain", figure.metric_id]
    if figure.kato != NATION:
        words.append(f"--kato {figure.kato}")
    if figure.technology:
        words.append(f"--technology {figure.technology}")
    return " ".join([*words, "--top 4"])


def _block(command: str, console: Console) -> str:
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    text = "\n".join(line for line in lines if line)
    return f"\n```text\n$ {command}\n{text}\n```\n"


def _console(width: int = 150) -> Console:
    return Console(width=width, record=True, file=io.StringIO(), highlight=False)


if __name__ == "__main__":
    main(Home(Path(sys.argv[1]).resolve()))
