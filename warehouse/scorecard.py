"""The scorecard: what a release says, on one screen.

Belongs here: reading a release into plain data, and printing that data for a person. Does not belong here:
anything that is not in the release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.exports import DUCKDB_FILE, SAMPLE
from warehouse.verify import PUBLICATION_FILE, read_publication

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_NOT_CHECKED = "unverifiable"
_NOT_MEASURED = "Not measured yet"


@dataclass(frozen=True)
class Headline:
    """A figure that the programme is measured by, for the nation at its latest date, with the target it heads
    for.

    `value` is None when it is withheld (`withheld_reason` says why) or not known. `outlook` is the status of
    the target: achieved, on_track, at_risk, off_track or insufficient_data. `technology_name` says in words
    which technology, speed tier or rung of the connection ladder the figure is about.
    """

    system: str
    metric_id: str
    technology: str | None
    technology_name: str | None
    name: str
    unit: str
    as_of_date: str | None
    value: float | None
    numerator: float | None
    denominator: float | None
    target_value: float
    due_date: str
    projected_value: float | None
    outlook: str
    withheld_reason: str | None


@dataclass(frozen=True)
class CountryLine:
    """One thing that is known of the land itself: what it is, how many, as of when, by whom."""

    what: str
    count: float
    unit: str
    as_of: str | None
    source: str | None


@dataclass(frozen=True)
class Statement:
    """What was said, and what the figures say of it."""

    statement_id: str
    system: str
    quote: str
    stated_at: str
    unit: str
    stated_value: float | None
    computed_value: float | None
    verdict: str
    explanation: str
    withheld_reason: str | None


@dataclass(frozen=True)
class MetricLine:
    """A metric, and whether its figures stand."""

    metric_id: str
    name: str
    system: str
    status: str
    withheld_reason: str | None


@dataclass(frozen=True)
class SenderLine:
    """A sender's files and rows, rejected and superseded files included."""

    sender: str
    files: int
    files_accepted: int
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    rows_duplicate: int


@dataclass(frozen=True)
class HeldDelivery:
    """A delivery that is not used because it is suspicious: why, what ends it, and how many metrics it concerns."""

    extract_id: str
    sender: str
    file_name: str
    message: str
    metrics: int


@dataclass(frozen=True)
class CheckLine:
    """Checks of one kind: how many there are, how many passed, how many of the others warn or block."""

    kind: str
    total: int
    passed: int
    warned: int
    not_passed: int


@dataclass(frozen=True)
class OpenCheck:
    """A check without proof that it holds."""

    check_id: str
    severity: str
    status: str
    observed: str


@dataclass(frozen=True)
class Scorecard:
    """A release on one screen. Paths are absolute; `label` is SAMPLE or empty."""

    publication_id: str
    label: str
    is_sample: bool
    published_at: str
    code_version: str
    previous_publication_id: str | None
    country: tuple[CountryLine, ...]
    headlines: tuple[Headline, ...]
    statements: tuple[Statement, ...]
    metrics: tuple[MetricLine, ...]
    senders: tuple[SenderLine, ...]
    checks: tuple[CheckLine, ...]
    open_checks: tuple[OpenCheck, ...]
    held: tuple[HeldDelivery, ...]
    paths: Mapping[str, str]

    @property
    def published(self) -> tuple[MetricLine, ...]:
        """Metrics whose figures stand."""
        return tuple(metric for metric in self.metrics if metric.status == "published")

    @property
    def withheld(self) -> tuple[MetricLine, ...]:
        """Metrics whose figures are left out."""
        return tuple(metric for metric in self.metrics if metric.status != "published")

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return {**asdict(self), "paths": dict(self.paths)}


def read_scorecard(release_path: Path) -> Scorecard:
    """Read the scorecard of a release. Errors: FileNotFoundError when there is no release."""
    document = read_publication(release_path)
    with duckdb.connect(str(release_path / DUCKDB_FILE), read_only=True) as connection:
        return Scorecard(
            publication_id=document["publication_id"],
            label=document["label"],
            is_sample=document["is_sample"],
            published_at=document["published_at"],
            code_version=document["code_version"],
            previous_publication_id=document["previous_publication_id"],
            country=tuple(CountryLine(*row) for row in _rows(connection, _COUNTRY)),
            headlines=tuple(Headline(*row) for row in _rows(connection, _HEADLINES)),
            statements=tuple(Statement(*row) for row in _rows(connection, _STATEMENTS)),
            metrics=tuple(MetricLine(*row) for row in _rows(connection, _METRICS)),
            senders=tuple(SenderLine(*row) for row in _rows(connection, _SENDERS)),
            checks=tuple(CheckLine(*row) for row in _rows(connection, _CHECKS)),
            open_checks=tuple(OpenCheck(*row) for row in _rows(connection, _OPEN_CHECKS)),
            held=tuple(HeldDelivery(*row) for row in _rows(connection, _HELD)),
            paths=_paths(release_path),
        )


def render(scorecard: Scorecard, console: Console) -> None:
    """Print the scorecard; made for a hundred columns."""
    from rich.text import Text

    if scorecard.is_sample:
        _print_banner(console)
    title = Text.assemble((f"Release {scorecard.publication_id}", "bold"), f"  {_when(scorecard)}")
    console.print(title, soft_wrap=False, overflow="ellipsis", no_wrap=True)
    console.print()
    if scorecard.country:
        console.print(_country_table(scorecard))
    if scorecard.headlines:
        console.print(_headline_table(scorecard))
    if scorecard.statements:
        console.print(_statement_table(scorecard))
    _print_metrics(scorecard, console)
    console.print(_sender_table(scorecard))
    _print_checks(scorecard, console)
    _print_held(scorecard, console)
    _print_paths(scorecard, console)


# --- Reading ------------------------------------------------------------------------------------------------------

_COUNTRY = """
select what, count, unit, as_of, source from (
    select 1 as place, 'Population' as what, value as count, 'people' as unit, as_of_date::varchar as as_of,
        denominator_source as source
    from marts.fct_metric
    where metric_id = 'population' and geography_level = 'national' and area_type = 'all' and value is not null
    qualify row_number() over (order by as_of_date desc) = 1
    union all
    select 2, 'Regions', count(*), 'regions', null, null
    from marts.dim_region where is_current and level <> 'district'
    union all
    select 3, 'Settlement codes of KATO', count(*), 'settlements', null, null
    from marts.dim_settlement where kato_level = 'settlement'
    union all
    select 4, 'of these counted as villages of the programme', count(*), 'villages', null, null
    from marts.dim_settlement where is_programme
    union all
    select 5, 'ITU: people in range of ' || upper(technology) || ' or better', value, 'percent', as_of_date::varchar,
        denominator_source
    from marts.fct_metric
    where metric_id = 'itu_population_covered_pct' and technology in ('4g', '5g') and value is not null
    qualify row_number() over (partition by technology order by as_of_date desc) = 1
)
where count > 0
order by place, what
"""

_HEADLINES = """
with latest as (
    select
        metric_id, technology, as_of_date::varchar as as_of_date, value, numerator, denominator,
        row_number() over (partition by metric_id, technology order by figures.as_of_date desc) as recency
    from marts.fct_metric as figures
    where kato = '000000000' and geography_level = 'national'
)

select
    targets.system, targets.metric_id, targets.technology,
    coalesce(
        technologies.name_en, tiers.name_en,
        case targets.technology
            when 'level_1' then 'trunk fibre (level 1)'
            when 'level_2' then 'access network (level 2)'
            when 'level_3' then 'orderable (level 3)'
            when 'level_4' then 'subscribers (level 4)'
            when 'all_new' then 'all, exempted ones included'
        end,
        -- A milestone is named by project and step.
        replace(replace(targets.technology, '.', ': '), '_', ' ')
    ),
    metrics.name_en, targets.unit, latest.as_of_date,
    latest.value, latest.numerator, latest.denominator, targets.target_value, targets.due_date::varchar,
    targets.projected_value, targets.status, judged.withheld_reason
from marts.fct_target_progress as targets
inner join marts.dim_metric as metrics on targets.metric_id = metrics.metric_id
inner join marts.meta_metric as judged on targets.metric_id = judged.metric_id
left join marts.dim_technology as technologies on targets.technology = technologies.technology
left join marts.dim_speed_tier as tiers on targets.technology = tiers.speed_tier
left join latest
    on
        targets.metric_id = latest.metric_id
        and coalesce(targets.technology, '') = coalesce(latest.technology, '')
        and latest.recency = 1
where targets.kato = '000000000'
qualify row_number() over (
    partition by targets.metric_id, targets.technology, targets.target_value, targets.due_date
    order by targets.target_id
) = 1
order by targets.system, metrics.is_headline desc, targets.metric_id, targets.technology, targets.due_date
"""

_STATEMENTS = """
select
    statement_id, system, quote, stated_at::varchar, unit, stated_value, computed_value, verdict, explanation,
    withheld_reason
from marts.fct_statement_check
order by system, stated_at desc, statement_id
"""

_METRICS = """
select judged.metric_id, metrics.name_en, metrics.system, judged.status, judged.withheld_reason
from marts.meta_metric as judged
left join marts.dim_metric as metrics on judged.metric_id = metrics.metric_id
order by judged.metric_id
"""

_SENDERS = """
select
    coalesce(extracts.sender, case extracts.outcome when 'ignored' then 'ignored' else 'not recognised' end),
    count(*),
    sum(case when extracts.outcome in ('accepted', 'accepted_with_quarantine') then 1 else 0 end)::bigint,
    coalesce(sum(accounts.rows_read), 0)::bigint,
    coalesce(sum(accounts.rows_accepted), 0)::bigint,
    coalesce(sum(accounts.rows_quarantined), 0)::bigint,
    coalesce(sum(accounts.rows_duplicate), 0)::bigint
from marts.meta_extract as extracts
left join marts.meta_row_account as accounts on extracts.extract_id = accounts.extract_id
group by 1
order by min(extracts.sender) nulls last, 1 desc
"""

_CHECKS = """ select kind, count(*), sum((status = 'pass')::int)::bigint, sum((status <> 'pass' and severity =
'warning')::int)::bigint, sum((status <> 'pass' and severity = 'blocking')::int)::bigint from marts.meta_check
group by kind order by kind
"""

_HELD = """
select extracts.extract_id, extracts.sender, extracts.file_name, extracts.message,
    (
        select count(*) from marts.meta_metric as judged
        where list_contains(string_split(judged.held_deliveries, ', '), extracts.extract_id)
    )
from marts.meta_extract as extracts
where extracts.outcome = 'held'
order by extracts.extract_id
"""

_OPEN_CHECKS = """ select check_id, severity, status, observed from marts.meta_check where status <> 'pass'
order by severity, check_id
"""


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query; none when the release lacks a mart that could not be built, or is older than a column."""
    try:
        return connection.execute(query).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return []


def _paths(release: Path) -> dict[str, str]:
    names = {
        "report": "report/index.html",
        "duckdb": DUCKDB_FILE,
        "parquet": "parquet",
        "csv": "csv",
        "descriptor": "datapackage.json",
        "account": PUBLICATION_FILE,
    }
    return {kind: str(release / name) for kind, name in names.items() if (release / name).exists()}


# --- Printing -----------------------------------------------------------------------------------------------------

_COLOURS = {
    "confirmed": "green", "achieved": "green", "on_track": "green", "published": "green",
    "contradicted": "red", "off_track": "red", "withheld": "red",
    "stale": "yellow", "definition_mismatch": "yellow", "at_risk": "yellow",
}  # fmt: skip
_CHECK_KINDS = {"build": "tables built", "dbt": "structure (dbt)", "gx": "meaning (Great Expectations)"}


def _print_banner(console: Console) -> None:
    from rich.panel import Panel
    from rich.text import Text

    text = Text(
        f"{SAMPLE}: an invented country. No figure here says anything about the real one.", justify="center"
    )
    console.print(Panel(text, style="bold black on yellow", border_style="yellow", expand=True))


def _when(scorecard: Scorecard) -> str:
    previous = f", after {scorecard.previous_publication_id}" if scorecard.previous_publication_id else ""
    return f"published {scorecard.published_at[:16].replace('T', ' ')} UTC{previous}"


def _headline_table(scorecard: Scorecard) -> Table:
    table = _table("The programme, nation", scorecard)
    table.add_column("", no_wrap=True)
    table.add_column("Measure", ratio=1)
    table.add_column("Date", no_wrap=True)
    table.add_column("Figure", justify="right", no_wrap=True)
    table.add_column("Target", justify="right", no_wrap=True)
    table.add_column("Projected", justify="right", no_wrap=True)
    table.add_column("Outlook", no_wrap=True)
    for line in scorecard.headlines:
        name = f"{line.name}: {line.technology_name}" if line.technology_name else line.name
        share = ""
        if line.unit == "settlements" and line.value is not None and line.denominator:
            share = f" ({100 * line.value / line.denominator:.1f} %)"
        withheld = line.withheld_reason is not None
        table.add_row(
            line.system,
            name,
            line.as_of_date or "",
            "withheld" if withheld else _figure(line.value, line.unit) + share,
            f"{_figure(line.target_value, line.unit)} by {line.due_date[:4]}",
            _figure(line.projected_value, line.unit),
            _coloured("withheld" if withheld else line.outlook),
        )
    return table


def _country_table(scorecard: Scorecard) -> Table:
    table = _table("The country, as the extracts tell it", scorecard)
    table.add_column("What", ratio=3)
    table.add_column("Count", justify="right", no_wrap=True)
    table.add_column("Date", no_wrap=True)
    table.add_column("Source", ratio=3)
    for line in scorecard.country:
        table.add_row(line.what, _figure(line.count, line.unit), line.as_of or "", _words(line.source or ""))
    return table


def _statement_table(scorecard: Scorecard) -> Table:
    from rich.text import Text

    checked = [line for line in scorecard.statements if line.verdict != _NOT_CHECKED]
    table = _table("What was said, and what the figures say", scorecard)
    table.add_column("", no_wrap=True)
    table.add_column("Statement", ratio=1)
    table.add_column("Said", no_wrap=True)
    table.add_column("Stated", justify="right", no_wrap=True)
    table.add_column("Computed", justify="right", no_wrap=True)
    table.add_column("Verdict", no_wrap=True)
    for line in checked:
        table.add_row(
            line.system,
            Text(line.quote),
            line.stated_at,
            _figure(line.stated_value, line.unit),
            _figure(line.computed_value, line.unit),
            _coloured(line.verdict),
        )
    waiting = [line for line in scorecard.statements if line.verdict == _NOT_CHECKED]
    unmeasured = sum(1 for line in waiting if line.explanation.startswith(_NOT_MEASURED))
    table.caption = (
        f"{len(waiting) - unmeasured} more statements are not due, or have no figure to be held against; "
        f"{unmeasured} are not measured yet.\n"
    )
    return table


def _print_metrics(scorecard: Scorecard, console: Console) -> None:
    from rich.text import Text

    published, withheld = scorecard.published, scorecard.withheld
    if withheld:
        by_reason: dict[str, list[str]] = {}
        for line in withheld:
            by_reason.setdefault(line.withheld_reason or "", []).append(line.metric_id)
        table = _table(f"Metrics withheld: {len(withheld)} of {len(scorecard.metrics)}", scorecard)
        table.add_column("Metric", no_wrap=True)
        table.add_column("Why", ratio=1)
        for reason, metrics in by_reason.items():
            table.add_row(Text("\n".join(metrics), style="red"), Text(reason))
        console.print(table)
    names = ", ".join(line.metric_id for line in published) or "none"
    title = f"Metrics published: {len(published)} of {len(scorecard.metrics)}  "
    console.print(Text.assemble((title, "bold"), (names, "green" if published else "")))
    console.print()


def _sender_table(scorecard: Scorecard) -> Table:
    table = _table("Rows by sender", scorecard)
    table.add_column("Sender", ratio=1, no_wrap=True)
    for name in ("Files", "Accepted files", "Rows read", "Accepted", "Quarantined", "Duplicate"):
        table.add_column(name, justify="right", no_wrap=True)
    lines = [
        (
            line.files, line.files_accepted, line.rows_read, line.rows_accepted, line.rows_quarantined,
            line.rows_duplicate,
        )
        for line in scorecard.senders
    ]  # fmt: skip
    for sender, numbers in zip(scorecard.senders, lines, strict=True):
        table.add_row(sender.sender, *(f"{number:,}" for number in numbers))
    table.add_section()
    table.add_row("All", *(f"{sum(column):,}" for column in zip(*lines, strict=True)), style="bold")
    return table


def _print_checks(scorecard: Scorecard, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    parts = [
        f"{line.passed} of {line.total} {_CHECK_KINDS.get(line.kind, line.kind)}" for line in scorecard.checks
    ]
    console.print(Text.assemble(("Checks passed: ", "bold"), ", ".join(parts) or "none"))
    grid = Table.grid(padding=(0, 1))
    for check in scorecard.open_checks[:10]:
        colour = "yellow" if check.severity == "warning" else "red"
        grid.add_row(Text(f"  {check.status}", style=colour), Text(f"{check.check_id}: {check.observed}"))
    console.print(grid)
    if len(scorecard.open_checks) > 10:
        console.print(f"  and {len(scorecard.open_checks) - 10} more in marts.meta_check")
    console.print()


def _print_held(scorecard: Scorecard, console: Console) -> None:
    from rich.text import Text

    if not scorecard.held:
        return
    console.print(Text("Held as suspicious, and not used", style="bold yellow"))
    for each in scorecard.held:
        # The command in it is to be copied.
        told = f"  {each.file_name}, on which {each.metrics} metrics would rest: {each.message}"
        console.print(Text(told), soft_wrap=True)
    console.print()


def _print_paths(scorecard: Scorecard, console: Console) -> None:
    from rich.text import Text

    console.print(Text("Open", style="bold"))
    for kind, path in scorecard.paths.items():
        # A path that is cut or wrapped cannot be opened.
        console.print(Text(f"  {kind:<11}{path}"), soft_wrap=True)


def _table(title: str, scorecard: Scorecard) -> Table:
    from rich import box
    from rich.table import Table as RichTable

    label = f"{scorecard.label}  " if scorecard.label else ""
    return RichTable(
        title=f"{label}{title}",
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        caption_style="dim",
        box=box.SIMPLE_HEAD,
        expand=True,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def _coloured(word: str) -> str:
    colour = _COLOURS.get(word)
    return f"[{colour}]{_words(word)}[/{colour}]" if colour else _words(word)


def _words(text: str) -> str:
    return text.replace("_", " ")


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit in ("percent", "%"):
        return f"{value:.1f} %"
    if unit == "US dollars":
        return f"US$ {value / 1e6:,.1f} m"
    return f"{value:,.0f} days" if unit == "days" else f"{value:,.0f}"
