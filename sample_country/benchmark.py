"""Outside evidence in ITU's own format: Kazakhstan's series on population covered by mobile networks.

Belongs here: the figures ITU publishes for Kazakhstan (ITU DataHub, read 2026), carried as facts. Does not
belong
here: the full series, which is an extract of its own.
"""

from __future__ import annotations

import polars as pl

from sample_country.inbox import Inbox
from sample_country.writers import text_bytes

SENDER = "sample_itu"
_SERIES = {
    "i271pop": (194, "At least 2G", {2021: "98.2", 2022: "99", 2023: "98.2", 2024: "98.2"}),
    "i271G": (430, "At least 3G", {2021: "96", 2022: "97.7", 2023: "95", 2024: "92.2"}),
    "i271GA": (19306, "At least LTE/WiMAX", {2021: "83.5", 2022: "87.3", 2023: "89.2", 2024: "91.6"}),
    "i271G5_pop": (34236, "At least 5G", {2021: "0", 2022: "5", 2023: "38.2", 2024: "45.8"}),
}


def write(inbox: Inbox) -> None:
    """Write the series of Kazakhstan from 2021 to 2024."""
    table = pl.DataFrame(
        [
            {
                "seriesID": str(number),
                "seriesCode": code,
                "seriesName": name,
                "seriesParent": None,
                "seriesUnits": "%",
                "entityID": "277",
                "entityIso": "KAZ",
                "entityName": "Kazakhstan",
                "dataValue": value,
                "dataYear": str(year),
                "dataNote": None,
                "dataSource": "ITU DataHub, carried into the sample",
                "seriesDescription": "Percentage of inhabitants within range of a signal, subscribers or not",
            }
            for code, (number, name, values) in _SERIES.items()
            for year, value in values.items()
        ],
        schema_overrides={"seriesParent": pl.String, "dataNote": pl.String},
    )
    inbox.add(
        "itu_datahub/population_coverage_mobile_network_sample.csv",
        text_bytes(table, encoding="utf-8-sig", quote_all=True),
        sender=SENDER,
        extract_kind="itu_indicators",
        rows_accepted=len(table),
    )
