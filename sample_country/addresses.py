"""Dala Telecom's filing by address: one line an address and technology, streamed, to any size.

Belongs here: which places are filed by address, and writing them in bounded memory. Does not belong here: the
filing by settlement (`dala`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from sample_country.filing import book, rounded, stamped, unknown_code
from sample_country.inbox import Injected
from sample_country.population import divide

if TYPE_CHECKING:
    from sample_country.filing import Filing

CHUNK = 2_000_000
DEFAULT_ROWS = 40_000
_FIRST_LOCATION = 100_000_000_001
_FAULTS_PER_CHUNK = (
    Injected("above_maximum", "quarantined", 3, "connection_level"),
    Injected("below_minimum", "quarantined", 3, "max_download_mbps"),
    Injected("kato_unknown", "quarantined", 3, "settlement_kato"),
    Injected("required_missing", "quarantined", 3, "technology"),
    Injected("duplicate", "duplicate", 5),
)


@dataclass(frozen=True)
class Allocation:
    """How many addresses stand for each place and technology.

    rows: place, kato, technology, level, down, up, addresses.
    """

    rows: pl.DataFrame

    @property
    def total(self) -> int:
        """Number of addresses."""
        return int(self.rows["addresses"].sum())


def _claims(filing: Filing, day: dt.date, technologies: list[str]) -> pl.DataFrame:
    return (
        book(filing, "dala_telecom", day)
        .filter(
            pl.col("technology").is_in(technologies),
            pl.col("connection_level") >= 2,
            pl.col("households_passed") > 0,
        )
        .select(
            "place",
            "kind",
            "kato",
            "technology",
            level="connection_level",
            passed="households_passed",
            down=rounded("max_download_mbps"),
            up=rounded("max_upload_mbps"),
        )
    )


def _towns(filing: Filing, day: dt.date, rows: int) -> pl.DataFrame:
    """Fibre claims of small towns that hold about `rows` homes passed together."""
    claims = _claims(filing, day, ["fttp"]).filter(pl.col("kind") == "city").sort("passed", "kato")
    return claims.filter(pl.col("passed").cum_sum() <= rows)


def allocate(filing: Filing, addresses: int | None) -> dict[dt.date, Allocation]:
    """Decide what is filed by address.

    Without a number, the last two periods hold some small towns, an address for every home passed, about
    DEFAULT_ROWS in all. With a number, the last period is a national filing of exactly that many addresses
    over every place with an access network, in proportion to homes passed; one home may then stand for many
    addresses.
    """
    if not filing.periods:
        return {}
    if addresses is None:
        days = filing.periods[-2:]
        towns = _towns(filing, days[-1], DEFAULT_ROWS // 2)["place"]
        return {
            day: Allocation(_towns_at(filing, day, towns).with_columns(addresses=pl.col("passed")))
            for day in days
        }
    claims = _claims(filing, filing.periods[-1], ["fttp", "dsl"]).sort(
        "passed", "kato", "technology", descending=[True, False, False]
    )
    claims = claims.head(max(1, addresses // 20))
    counts = divide(addresses, claims["passed"].to_numpy().astype(np.float64))
    claims = (
        claims.with_columns(addresses=pl.Series(counts))
        .filter(pl.col("addresses") > 0)
        .sort("kato", "technology")
    )
    return {filing.periods[-1]: Allocation(claims)}


def _towns_at(filing: Filing, day: dt.date, towns: pl.Series) -> pl.DataFrame:
    return _claims(filing, day, ["fttp"]).filter(pl.col("place").is_in(towns.implode())).sort("kato")


def _lines(allocation: Allocation) -> Iterator[pl.DataFrame]:
    """The addresses in chunks: location_id, kato, technology, level, down, up.

    Of the addresses of a place, the first bears the place's level; of the others some are built but not yet
    orderable, some orderable, some connected.
    """
    rows = allocation.rows
    ends = np.cumsum(rows["addresses"].to_numpy())
    starts = ends - rows["addresses"].to_numpy()
    levels = rows["level"].to_numpy().astype(np.uint8)
    columns = [rows[name].cast(pl.Categorical) for name in ("kato", "technology", "down", "up")]
    mix = np.array([4, 3, 4, 2, 3, 4, 4, 3, 2, 4], dtype=np.uint8)
    total = allocation.total
    for start in range(0, total, CHUNK):
        number = np.arange(start, min(start + CHUNK, total), dtype=np.int64)
        first, last = np.searchsorted(ends, [start, number[-1]], side="right")
        inside = np.diff(np.clip(ends[first : last + 1], start, number[-1] + 1), prepend=start)
        pair = np.repeat(np.arange(first, last + 1, dtype=np.uint32), inside)
        level = np.minimum(levels[pair], mix[number % 10])
        opening = starts[(starts >= start) & (starts <= number[-1])] - start
        level[opening] = levels[pair[opening]]
        picked = pl.Series(pair)
        yield pl.DataFrame(
            {
                "location_id": number + _FIRST_LOCATION,
                "kato": columns[0].gather(picked),
                "technology": columns[1].gather(picked),
                "level": level,
                "down": columns[2].gather(picked),
                "up": columns[3].gather(picked),
            }
        )


def _faulty_lines(chunk: int, good: bytes) -> bytes:
    """Lines that break the rules of _FAULTS_PER_CHUNK, and lines said twice."""
    base = 900_000_000_000 + chunk * 100
    repeated = good.split(b"\n", 5)[:5]
    kato = repeated[0].split(b",")[1].decode()
    lines = [f"{base + i},{kato},fttp,7,100,50" for i in range(3)]
    lines += [f"{base + 10 + i},{kato},fttp,3,-1,50" for i in range(3)]
    lines += [f"{base + 20 + i},{unknown_code(i)},fttp,3,100,50" for i in range(3)]
    lines += [f"{base + 30 + i},{kato},,3,100,50" for i in range(3)]
    return "\n".join(lines).encode() + b"\n" + b"\n".join(repeated) + b"\n"


def write_addresses(filing: Filing, day: dt.date, allocation: Allocation) -> None:
    """Stream the filing of one period to its file."""
    path = f"sample_dala/{stamped('addresses', day, '.csv')}"
    target = filing.inbox.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    chunks = 0
    with target.open("wb") as stream:
        stream.write(b"location_id,kato,technology,level,down,up\n")
        for frame in _lines(allocation):
            content = frame.write_csv(include_header=False, quote_style="never").encode()
            stream.write(content)
            if filing.with_faults:
                stream.write(_faulty_lines(chunks, content[:1000]))
            chunks += 1
    faults = (
        [Injected(f.rule, f.outcome, f.rows * chunks, f.column) for f in _FAULTS_PER_CHUNK]
        if filing.with_faults
        else []
    )
    filing.inbox.record(
        path,
        target.stat().st_size,
        sender="sample_dala",
        extract_kind="operator_address_availability",
        rows_accepted=allocation.total,
        faults=faults,
    )
