"""The main job when a bad filing comes into a home that has published: the last to look at the home of the sample."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from ingestion.pipeline import ingest
from tests.main_job_kit import Run, qamtu
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

    # Filed whole once more, its period is built again and the others stand: the figures are those of one whole build.
    again.with_name("tulpar-2025-q4_rev3.csv").write_bytes(filed.read_bytes())
    mended = qamtu(sample_run.home.root, "run", *inboxes)
    assert mended.code == 0, mended.told
    assert "of 2025-12-31 alone" in mended.told
    assert figures(sample_run.home.current) == figures(before)


def figures(release: Path) -> dict[str, str]:
    """Hash of each fact and dimension of a release, but for what it says of the release before it."""
    listed = {file["path"]: file["sha256"] for file in read_publication(release)["files"]}
    return {
        path: sha256
        for path, sha256 in listed.items()
        if path.startswith(("csv/fct_", "csv/dim_")) and path != "csv/fct_revision.csv"
    }
