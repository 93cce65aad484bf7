"""The sample country: filings about an invented Kazakhstan, or invented filings about the real one.

No operator's or village's filings are public, so the project ships this generator instead of data. `generate`
writes files as senders would leave them; `expected` says what must come out of them. Nothing else of the
project is imported here, and every file is the same, byte for byte, for the same arguments.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sample_country import (
    arman,
    benchmark,
    boundaries,
    bureau,
    dala,
    disputes,
    expected,
    koktem,
    measurements,
    ministry,
    programme,
    roads,
    rollout,
    sayran,
    sites,
    tulpar,
    urban,
)
from sample_country.addresses import allocate
from sample_country.country import build as build_country
from sample_country.filing import Filing
from sample_country.geography import read as read_geography
from sample_country.inbox import FileRecord, Inbox, Injected, Summary
from sample_country.periods import GEOGRAPHY_START, PERIODS, REAL_CENSUS_DATE

__all__ = ["PERIODS", "FileRecord", "Injected", "Summary", "generate"]

_UNKNOWN_FILE = "Тариф;Цена, тенге\nБазовый 100;4990\nСемейный 300;7990\n"


def generate(
    out: Path,
    *,
    seed: int = 2026,
    geography: Path | None = None,
    addresses: int | None = None,
    faults: bool = True,
    periods: Sequence[dt.date] | None = None,
) -> Summary:
    """Write an inbox.

    Args:
        out: folder to write into; made when it is not there. Files of the same name are replaced.
        seed: the same seed gives the same bytes.
        geography: a folder that holds `kato_2026/kato.csv` (and, where there, `kato_2022/` and
            `kz_population/`): operators and ministry then file about these real places, and nobody else
            files; periods before GEOGRAPHY_START are left out, since their codes are not in that edition.
        addresses: rows of Dala Telecom's filing by address for the last period, over the whole country; by
            default about 40,000 in some small towns for the last two periods.
        faults: put in faulty rows and files; without, every row is good.
        periods: quarter ends to file for, out of PERIODS; all by default.

    Returns:
        The files with what must become of each, and the totals the accepted rows come to.

    Raises:
        ValueError: a period that is not in PERIODS, or a negative number of addresses.
        FileNotFoundError: `geography` holds no KATO edition.
    """
    wanted = list(PERIODS if periods is None else sorted(set(periods)))
    if unknown := [day for day in wanted if day not in PERIODS]:
        raise ValueError(
            f"no filings are known for {', '.join(map(str, unknown))}; "
            f"periods are {', '.join(map(str, PERIODS))}"
        )
    if addresses is not None and addresses < 1:
        raise ValueError(f"addresses must be a positive number, not {addresses}")
    if geography is not None:
        wanted = [day for day in wanted if day >= GEOGRAPHY_START]
    land = build_country(seed) if geography is None else read_geography(geography)
    if geography is None:
        land = replace(land, roads=roads.invented(land, seed))
    claims = rollout.build(land, seed, wanted)
    out.mkdir(parents=True, exist_ok=True)
    inbox = Inbox(out)
    filing = Filing(land, claims, wanted, seed, faults, inbox)
    dala.write(filing, allocate(filing, addresses))
    for sender in (arman, sayran, tulpar, koktem):
        sender.write(filing)
    ministry.write(filing)
    programme.write(filing)
    roads.write(filing)
    urban.write(filing)
    sites.write(filing)
    measurements.write(filing)
    disputes.write(filing)
    if geography is None:
        bureau.write(filing)
        boundaries.write(filing)
        benchmark.write(inbox)
        benchmark.write_speeds(inbox, wanted)
    else:
        bureau.write_households(filing, REAL_CENSUS_DATE)
        bureau.write_drawn_positions(filing)
    if faults:
        inbox.add(
            "sample_unknown/тарифы_2025.csv",
            _UNKNOWN_FILE.encode("cp1251"),
            sender="sample_unknown",
            extract_kind=None,
            outcome="unmatched",
            is_current=False,
            rule="unmatched",
        )
    return inbox.summary(expected.totals(land, claims))
