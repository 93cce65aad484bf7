"""The main job on the real extracts, alone and with sample filings over their geography."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.main_job_kit import REAL_EXTRACTS, Run, qamtu

pytestmark = pytest.mark.slow


def test_the_real_extracts_publish_what_they_support(real_run: Run) -> None:
    assert real_run.code == 3, real_run.told
    assert real_run.query(
        "select count(*) from marts.dim_region where is_current and level <> 'district'"
    ) == [(20,)]
    assert real_run.query("select count(*) from marts.dim_settlement where kato_level = 'settlement'") == [
        (12_986,)
    ]
    population = real_run.query(
        """
        select geography_level, sum(value) from marts.fct_metric
        where metric_id = 'population' and area_type = 'all' and as_of_date = date '2023-01-01'
            and geography_level in ('national', 'region')
        group by geography_level order by geography_level
        """,
    )
    assert population == [("national", 19_765_004.0), ("region", 19_765_004.0)]
    itu = real_run.query(
        """
        select value from marts.fct_metric
        where metric_id = 'itu_population_covered_pct' and technology = '4g' and as_of_date = date '2024-12-31'
        """,
    )
    assert itu == [(91.6,)]
    reasons = dict(
        real_run.query("select metric_id, withheld_reason from marts.meta_metric where status = 'withheld'")
    )
    assert "population" not in reasons
    assert reasons["population_covered_pct"] == "no operator_availability extract received"
    assert real_run.query("select is_sample from marts.meta_publication") == [(False,)]


def test_sample_filings_over_the_real_geography_publish_everything(real_run: Run, tmp_path: Path) -> None:
    """The last test on this home: filings arrive for the geography that stands there."""
    drawn = tmp_path / "drawn"
    root = real_run.home.root
    assert qamtu(root, "sample", "--geography", str(REAL_EXTRACTS), "--out", str(drawn)).code == 0
    run = qamtu(root, "run", "--inbox", str(REAL_EXTRACTS), "--inbox", str(drawn))
    assert run.code == 0, run.told
    assert run.query("select is_sample, label from marts.meta_publication") == [(True, "SAMPLE")]
    assert run.query("select count(*) from marts.dim_settlement where is_programme") == [(6179,)]
    verdicts = dict(run.query("select statement_id, verdict from marts.fct_statement_check"))
    assert verdicts["s3_4g_3115_2025"] == "confirmed"
    areas = run.query(
        "select status, count(*) from marts.fct_region_area where kato = '000000000' group by status"
    )
    assert areas == [("published", 2)], "the edition of 2018 shows the map that came in June of its year"
