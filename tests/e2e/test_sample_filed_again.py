"""The main job when a bad filing comes into a home that has published: the last to look at the home of the sample."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingestion.pipeline import ingest
from tests.main_job_kit import Run, qamtu
from tests.release_texts import texts_of, words_of
from warehouse.verify import read_publication

pytestmark = pytest.mark.slow


def test_a_filing_that_lost_a_region_is_held_until_it_is_accepted_or_mended(
    sample_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator files a quarter again without a region; a person accepts that; then it files all of it once more."""
    monkeypatch.setenv("QAMTU_ACCEPTANCES", str(tmp_path / "acceptances"))
    received = sample_run.home.root / "sample_inbox"
    filed = received / "sample_tulpar" / "tulpar-2025-q4.csv"
    again = tmp_path / "inbox" / "sample_tulpar" / "tulpar-2025-q4_rev2.csv"
    again.parent.mkdir(parents=True)
    rows = filed.read_bytes().splitlines(keepends=True)
    again.write_bytes(b"".join(row for row in rows if not re.match(rb'"[^"]*","11', row)))
    inboxes = ("--inbox", str(received), "--inbox", str(tmp_path / "inbox"))
    before = sample_run.home.current.resolve()

    run = qamtu(sample_run.home.root, "run", *inboxes)
    assert run.code == 0, run.told
    assert figures(sample_run.home.current) == figures(before), "the filing before it stays in use"
    ((extract_id, message),) = run.query(
        "select extract_id, message from marts.meta_extract where outcome = 'held'"
    )
    assert f"qamtu accept {extract_id} --reason" in message
    assert "qamtu accept" in run.printed
    concerned = dict(run.query("select metric_id, held_deliveries from marts.meta_metric"))
    assert concerned["population_covered_pct"] == extract_id
    assert concerned["population"] is None
    assert run.query(
        "select status from marts.meta_check where check_id = 'deliveries.no_delivery_is_held'"
    ) == [("warn",)]
    assert ("missing", "110000000") in run.query("select rule, region_kato from marts.meta_suspicion")
    assert (before / "coverage.duckdb").is_file(), "a reader may hold the release of before all the while"

    reason = "The network of the region was sold."
    accepted = qamtu(sample_run.home.root, "accept", extract_id, "--reason", reason, "--author", "A. Analyst")
    assert accepted.code == 0, accepted.told
    received_again = ingest(sample_run.home, [received, tmp_path / "inbox"])
    (taken,) = [each for each in received_again.extracts if each.extract_id == extract_id]
    assert taken.is_current, "what was accepted counts from the next run on"
    decisions = pl.read_parquet(sample_run.home.lake / "meta" / "decision.parquet")
    assert decisions.select("decision", "reason", "author").rows() == [("acceptance", reason, "A. Analyst")]

    markers = plant(received, tmp_path / "inbox")
    # Filed whole once more, its period is built again and the others stand: the figures are those of one whole build.
    again.with_name("tulpar-2025-q4_rev3.csv").write_bytes(filed.read_bytes())
    mended = qamtu(sample_run.home.root, "run", *inboxes)
    assert mended.code == 0, mended.told
    assert "of 2025-12-31 alone" in mended.told
    after = figures(sample_run.home.current)
    # Rows of these two name the delivery they are from.
    changed = {path for path, sha256 in figures(before).items() if after.get(path) != sha256}
    assert changed == {"csv/fct_availability.csv", "csv/fct_dispute.csv"}

    told = "\n".join([*lake_texts(sample_run.home.lake), *answers(sample_run.home.answers)])
    assert [marker for marker in markers if marker not in told] == [], "each is known within"
    leaks, forms = [], set()
    for name, text in texts_of(sample_run.home.current / "open"):
        forms.add(Path(name.split("/")[0]).suffix or name.split("/")[0])
        leaks += [(name, marker) for marker in markers if marker in text]
    assert leaks == []
    assert {".duckdb", "parquet", "csv", "xlsx", "geo", "report", "docs", ".json", ".jsonld"} <= forms


def plant(received: Path, inbox: Path) -> list[str]:
    """File four of the quarter's filings again with a word of its own in each place that is nobody else's business:
    an address, a station, the text of a complaint, a row in quarantine, and the header of a file that is refused.
    """

    def filed_again(name: str, old: str, new: str, revision: int = 2) -> None:
        text = (received / name).read_bytes().decode()
        assert old in text
        target = inbox / name.replace(".csv", f"_rev{revision}.csv")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.replace(old, new).encode())

    filed_again("sample_dala/addresses_2025q4.csv", "\n100000000001,", "\n731973197319,")
    stations = (received / "sample_tulpar/tulpar-sites-2025-q4.csv").read_text(encoding="utf-8")
    site = re.findall(r"TU-\d+-\d+", stations)[0]
    filed_again("sample_tulpar/tulpar-sites-2025-q4.csv", site, "PLANTED-SITE-7F21")
    filed_again("sample_ministry/disputes/white_spots_2025q4.csv", "Нет связи", "planted-complaint-4c0e")
    filed_again("sample_koktem/satellite_2025q4.csv", "up_mbps\n", "up_mbps\nplanted-row-93d5,GEO,3,25,3\n")
    filed_again("sample_koktem/satellite_2025q4.csv", "kato,", "planted-header-a1b8,", revision=3)
    return [
        "731973197319",
        "PLANTED-SITE-7F21",
        "planted-complaint-4c0e",
        "planted-row-93d5",
        "planted-header-a1b8",
    ]


def lake_texts(lake: Path) -> Iterator[str]:
    """Every text of the lake's tables."""
    with duckdb.connect() as connection:
        for path in sorted(lake.rglob("*.parquet")):
            yield words_of(f"'{path}'", connection)


def answers(folder: Path) -> Iterator[str]:
    """What senders were told, refused files included."""
    yield from (path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.html")))


def figures(release: Path) -> dict[str, str]:
    """Hash of each fact and dimension of a release, but for what it says of the release before it."""
    listed = {file["path"]: file["sha256"] for file in read_publication(release)["files"]}
    return {
        path: sha256
        for path, sha256 in listed.items()
        if path.startswith(("csv/fct_", "csv/dim_")) and path != "csv/fct_revision.csv"
    }
