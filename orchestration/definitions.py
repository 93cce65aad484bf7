"""What Dagster loads: the production assembly, also for tests, which replace resources only.

Belongs here: putting the parts together. Does not belong here: any part.
"""

from collections.abc import Mapping

import dagster as dg

from expectations.suite import load_suites
from ingestion.layout import load_layouts
from orchestration import automation, dbt_engine, filings, pool_wait
from orchestration.dbt_graph import build_dbt_assets
from orchestration.publication import check_specs, publication_assets
from orchestration.resources import HomeResource, default_resources
from orchestration.senders import DELIVERIES, deliveries_asset, keys_by_kind, sender_assets


def build_defs(resource_overrides: Mapping[str, object] | None = None) -> dg.Definitions:
    """The whole system: assets from layouts, dbt project and suites; jobs, sensors, schedule, resources.

    `resource_overrides` replaces resources by key, nothing else. dbt's manifest is brought up to date first.
    """
    resources = default_resources() | dict(resource_overrides or {})
    home = resources["home"]
    assert isinstance(home, HomeResource)
    layouts = load_layouts()
    dbt = build_dbt_assets(dbt_engine.ensure_manifest(home.home), keys_by_kind(layouts), DELIVERIES)
    suites = load_suites()
    publish = automation.publish_job([spec.key for spec in check_specs(suites).values()])
    marts = sorted(key for key in dbt.keys if key.path[0] == "marts")
    return dg.Definitions(
        assets=[
            *sender_assets(layouts),
            deliveries_asset(layouts),
            *filings.filing_assets(layouts),
            dbt,
            *publication_assets(suites, marts),
        ],
        jobs=[automation.REFRESH, publish, filings.FILINGS, filings.pull_job],
        sensors=[
            automation.arriving_files,
            automation.release_sensor(publish),
            automation.alert_of_failure,
            filings.rejected_filings,
        ],
        schedules=[automation.DAILY, *filings.pull_schedules()],
        resources=resources,
        # Steps share one process: each process of its own would pay seconds of imports.
        executor=dg.in_process_executor,
    )


pool_wait.install()
defs = build_defs()
