"""The main job when a bad filing comes into a home that has published: the last to look at the home of the sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.main_job_kit import Run, qamtu
from warehouse.verify import read_publication

pytestmark = pytest.mark.slow


def test_a_filing_that_shrank_withholds_what_it_touches_until_it_is_mended(
    sample_run: Run, tmp_path: Path
) -> None:
    """An operator files a quarter again, the header and ten rows, and then all of it."""
    received = sample_run.home.root / "sample_inbox"
    filed = received / "sample_tulpar" / "tulpar-2025-q4.csv"
    again = tmp_path / "inbox" / "sample_tulpar" / filed.name
    again.parent.mkdir(parents=True)
    again.write_bytes(b"".join(filed.read_bytes().splitlines(keepends=True)[:11]))
    before = sample_run.home.current.resolve()
    run = qamtu(sample_run.home.root, "run", "--inbox", str(received), "--inbox", str(tmp_path / "inbox"))
    assert run.code == 3, run.told
    withheld = dict(
        run.query("select metric_id, withheld_reason from marts.meta_metric where status = 'withheld'")
    )
    assert "population_covered_pct" in withheld
    assert "check filings." in withheld["population_covered_pct"]
    assert "first: operator_id=" in withheld["population_covered_pct"]
    assert not {"population", "itu_population_covered_pct"} & set(withheld)
    (shown,) = run.query(
        """
        select
            count(population_covered_pct),
            count(*) filter (where status = 'withheld'),
            count(*) filter (where status = 'withheld' and withheld_reason is null)
        from marts.fct_coverage_by_technology
        """
    )
    assert shown[0] == 0 < shown[1]
    assert shown[2] == 0
    assert run.query(
        f"select is_current from marts.meta_extract where file_name = 'sample_tulpar/{filed.name}' order by 1"
    ) == [(False,), (True,)]
    assert (before / "coverage.duckdb").is_file(), "a reader may hold the release of before all the while"

    # Filed whole once more, its period is built again and the others stand: the figures are those of one whole build.
    again.with_name("tulpar-2025-q4_rev2.csv").write_bytes(filed.read_bytes())
    mended = qamtu(sample_run.home.root, "run", "--inbox", str(received), "--inbox", str(tmp_path / "inbox"))
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
