"""Outside evidence in its publishers' formats: ITU's series on population covered, and a series of measured speeds.

Belongs here: the figures ITU publishes for Kazakhstan (ITU DataHub, read 2026), carried as facts, and invented means of
speed tests. Does not belong here: the full series, which are extracts of their own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl

from sample_country.inbox import Inbox
from sample_country.writers import text_bytes

SENDER, OOKLA = "sample_itu", "sample_ookla"
_SERIES = {
    "i271pop": (194, "At least 2G", {2021: "98.2", 2022: "99", 2023: "98.2", 2024: "98.2"}),
    "i271G": (430, "At least 3G", {2021: "96", 2022: "97.7", 2023: "95", 2024: "92.2"}),
    "i271GA": (19306, "At least LTE/WiMAX", {2021: "83.5", 2022: "87.3", 2023: "89.2", 2024: "91.6"}),
    "i271G5_pop": (34236, "At least 5G", {2021: "0", 2022: "5", 2023: "38.2", 2024: "45.8"}),
}


# Download, upload (Mbit/s) and latency (ms) in the first quarter, and what each later quarter adds.
_SPEEDS = {"fixed": ((48.0, 46.0, 21.0), (2.4, 2.1, -0.3)), "mobile": ((27.0, 11.5, 36.0), (1.7, 0.3, -0.4))}


def _quarter_start(quarter_end: dt.date) -> dt.date:
    return dt.date(quarter_end.year, quarter_end.month - 2, 1)


def write_speeds(inbox: Inbox, periods: Sequence[dt.date]) -> None:
    """Write measured speeds from the first period to the last, a row for each quarter and kind of network.

    As in Ookla's series a quarter is named by its first day.
    """
    starts = pl.date_range(_quarter_start(periods[0]), _quarter_start(periods[-1]), "1q", eager=True)
    table = pl.DataFrame(
        [
            {
                "network_type": network,
                "date": f"{day}",
                "download_mbps_weighted_mean": f"{start[0] + more[0] * number:.2f}",
                "upload_mbps_weighted_mean": f"{start[1] + more[1] * number:.2f}",
                "latency_ms_weighted_mean": f"{start[2] + more[2] * number:.2f}",
                "download_mbps_weighted_median": f"{(start[0] + more[0] * number) * 0.9:.2f}",
                "total_tests": str(90_000 + 2_500 * number),
                "total_devices": str(31_000 + 700 * number),
            }
            for number, day in enumerate(starts)
            for network, (start, more) in _SPEEDS.items()
        ]
    )
    inbox.add(
        f"{OOKLA}/national_speed_series_sample.csv",
        text_bytes(table, encoding="utf-8"),
        sender=OOKLA,
        extract_kind="national_speed_series",
        rows_accepted=len(table),
    )


def write(inbox: Inbox) -> None:
    """Write ITU's series of Kazakhstan from 2021 to 2024."""
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
