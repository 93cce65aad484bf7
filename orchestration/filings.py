"""One asset for each sender that owes filings: which quarters it has filed for, which were rejected, which are late.

Belongs here: what Dagster shows of a sender's duties, and the job that pulls. Does not belong here: who is late
(`ingestion.filing`), or how files are fetched (`ingestion.pull`).

A partition is a quarter: materialised when all that fell due in it is filed, failed when something was rejected, empty
while something is held, late or due. Reading a delivery records what is filed; only what was rejected needs a run of
its own, because Dagster knows a failed partition by its failed run.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from zoneinfo import ZoneInfo

import dagster as dg

from ingestion.filing import DUE, FILED, HELD, LATE, REJECTED, Filing, filings
from ingestion.layout import Layout, load_layouts
from ingestion.sender import Sender, load_senders
from orchestration.account import cell
from orchestration.owners import as_owner
from orchestration.partitions import QUARTERS, quarter_key, quarter_name
from orchestration.resources import HomeResource, IngestionEngine, PullEngine
from orchestration.retries import POLICY, only_passing_failures_retried
from warehouse.lake import Outcome

TIME_ZONE = "Asia/Almaty"
GROUP = "filings"
_SHOWN_QUARTERS = 6
_SIGNS = {FILED: "filed", HELD: "**held**", REJECTED: "**rejected**", LATE: "**late**", DUE: "due"}
# What a quarter is as a whole, by the worst of its filings.
_WORST_FIRST = (REJECTED, HELD, LATE, DUE, FILED)


def key_of(sender: str) -> dg.AssetKey:
    """The asset of a sender's filings."""
    return dg.AssetKey([GROUP, sender])


def today() -> dt.date:
    """The day in the country."""
    return dt.datetime.now(ZoneInfo(TIME_ZONE)).date()


def by_quarter(found: Iterable[Filing]) -> dict[str, list[Filing]]:
    """Filings by the partition in which their period ends."""
    quarters: dict[str, list[Filing]] = {}
    for filing in found:
        key = quarter_key(filing.period_end)
        if key is not None:
            quarters.setdefault(key, []).append(filing)
    return quarters


def status_of(owed: Sequence[Filing]) -> str:
    """What a quarter is as a whole: the worst status of what is owed in it."""
    told = {filing.status for filing in owed}
    return next(status for status in _WORST_FIRST if status in told)


def quarter_metadata(owed: Sequence[Filing]) -> dict[str, dg.MetadataValue]:
    """What a partition shows: its status, and each filing owed."""
    lines = ["| Extract | Due | Status | Files |", "|---|---|---|---|"]
    for filing in owed:
        files = ", ".join(f"`{cell(outcome.file_name)}`" for outcome in filing.outcomes)
        lines.append(f"| {filing.extract} | {filing.due_on} | {_SIGNS[filing.status]} | {files} |")
    return {
        "status": dg.MetadataValue.text(status_of(owed)),
        "filings": dg.MetadataValue.md("\n".join(lines)),
    }


def filings_table(outcomes: Sequence[Outcome], on: dt.date) -> str:
    """Markdown table of all senders by quarter, the last few: filed, due, late or rejected."""
    rows: dict[str, dict[str, str]] = {}
    for entry in _owing():
        owed = by_quarter(filings(entry, outcomes, load_layouts(), on))
        rows[entry.sender] = {quarter: _SIGNS[status_of(found)] for quarter, found in owed.items()}
    quarters = sorted({quarter for row in rows.values() for quarter in row})[-_SHOWN_QUARTERS:]
    if not quarters:
        return "Nobody owes a filing."
    head = [
        "| Sender | " + " | ".join(map(quarter_name, quarters)) + " |",
        "|---" * (len(quarters) + 1) + "|",
    ]
    return "\n".join(
        [
            *head,
            *(
                f"| {name} | " + " | ".join(row.get(q, "") for q in quarters) + " |"
                for name, row in rows.items()
            ),
        ]
    )


def record_filed(
    context: dg.AssetExecutionContext,
    sender: str,
    outcomes: Sequence[Outcome],
    changed: AbstractSet[Outcome],
) -> None:
    """Record the quarters that a sender has filed for: those that `changed`, and those Dagster does not know yet."""
    entry = load_senders().get(sender)
    if entry is None or not entry.expected:
        return
    known = context.instance.get_materialized_partitions(key_of(sender))
    for quarter, owed in by_quarter(filings(entry, outcomes, load_layouts(), today())).items():
        received = {outcome for filing in owed for outcome in filing.outcomes}
        if status_of(owed) == FILED and (quarter not in known or not changed.isdisjoint(received)):
            context.log_event(
                dg.AssetMaterialization(key_of(sender), partition=quarter, metadata=quarter_metadata(owed))
            )


def filing_assets(layouts: Mapping[str, Layout]) -> list[dg.AssetsDefinition]:
    """One asset a sender that owes something."""
    return [_filing_asset(entry, layouts) for entry in _owing()]


def _owing() -> list[Sender]:
    return [entry for entry in load_senders().values() if entry.expected]


def _filing_asset(entry: Sender, layouts: Mapping[str, Layout]) -> dg.AssetsDefinition:
    expected = {one.extract for one in entry.expected}
    read = sorted({x.extract_kind for x in layouts.values() if x.sender == entry.sender} & expected)

    @dg.asset(
        key=key_of(entry.sender),
        deps=[dg.AssetKey([entry.sender, kind]) for kind in read],
        group_name=GROUP,
        description=f"Filings that {entry.title} owes: a quarter is green when all that fell due in it was filed, "
        f"red when something was rejected, empty while it is held, late or due. Contact: {entry.contact.name}, "
        f"{entry.contact.email}.",
        owners=[owner for owner in [as_owner(entry.contact.email)] if owner],
        tags={"sample": "true"} if entry.is_sample else {},
        partitions_def=QUARTERS,
        output_required=False,
        retry_policy=POLICY,
        metadata={
            "expected": dg.MetadataValue.md(
                "\n".join(
                    f"- `{one.extract}`, {one.due_days} days after its period" for one in entry.expected
                )
            ),
            "sources": dg.MetadataValue.md(
                "\n".join(f"- {source.uri}" for source in entry.sources) or "- the inbox"
            ),
        },
    )
    def filed(
        context: dg.AssetExecutionContext, home: HomeResource, ingestion: IngestionEngine
    ) -> Iterator[dg.MaterializeResult[None]]:
        with only_passing_failures_retried():
            found = filings(entry, ingestion.outcomes(home.home), load_layouts(), today())
        owed = by_quarter(found).get(context.partition_key, [])
        if not owed:
            context.log.info("Nothing fell due in this quarter.")
        elif status_of(owed) == REJECTED:
            raise dg.Failure(description=_why(owed), metadata=quarter_metadata(owed), allow_retries=False)
        elif status_of(owed) == FILED:
            yield dg.MaterializeResult(metadata=quarter_metadata(owed))
        else:
            context.log.warning(f"Not filed: {', '.join(x.extract for x in owed if x.status != FILED)}.")

    return filed


def _why(owed: Sequence[Filing]) -> str:
    told = [f"{o.file_name}: {o.message}" for x in owed if x.status == REJECTED for o in x.outcomes]
    return "Rejected: " + "; ".join(told)


# --- What starts by itself ----------------------------------------------------------------------------------------

FILINGS = dg.define_asset_job(
    "filings",
    selection=dg.AssetSelection.groups(GROUP),
    partitions_def=QUARTERS,
    description="Look at one quarter's filings: a run fails for a sender whose filing was rejected.",
)


@dg.sensor(
    job=FILINGS,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks the quarter of a sender red when a filing of it was rejected.",
)
def rejected_filings(
    context: dg.SensorEvaluationContext, home: HomeResource, ingestion: IngestionEngine
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for one run for each quarter in which something was newly rejected."""
    outcomes, on = ingestion.outcomes(home.home), today()
    rejected = [
        (quarter, entry.sender, owed)
        for entry in _owing()
        for quarter, owed in by_quarter(filings(entry, outcomes, load_layouts(), on)).items()
        if status_of(owed) == REJECTED
    ]
    if not rejected:
        yield dg.SkipReason("No filing is rejected.")
    for quarter, found in groupby(sorted(rejected, key=lambda one: one[:2]), key=lambda one: one[0]):
        together = list(found)
        files = [
            o.extract_id for _, _, owed in together for x in owed if x.status == REJECTED for o in x.outcomes
        ]
        digest = hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()[:16]
        # Dagster starts no second run for a key it has seen: a quarter is looked at again when its files change.
        yield dg.RunRequest(
            run_key=f"{quarter}-{digest}",
            partition_key=quarter,
            asset_selection=[key_of(sender) for _, sender, _ in together],
        )


class PullConfig(dg.Config):
    """Whom to pull from; nobody named means everyone whose entry names a source."""

    senders: list[str] = []  # noqa: RUF012  (a pydantic field, copied for each instance)


@dg.op(description="Fetch what is new at the senders' own places into landing; the next run reads it.")
def fetch(context: dg.OpExecutionContext, config: PullConfig, home: HomeResource, puller: PullEngine) -> None:
    """Pull, and fail when a place could not be read, so that whoever serves it sees it."""
    with only_passing_failures_retried():
        failed = puller.pull(home.home, config.senders, context.log.info)
    if failed:
        raise dg.Failure(description="; ".join(failed), allow_retries=False)


@dg.job(name="pull", description="Fetch what is new at the senders' own places. The same as `qamtu pull`.")
def pull_job() -> None:
    """The job."""
    fetch()


def pull_schedules() -> list[dg.ScheduleDefinition]:
    """A schedule for each sender whose entry names a source, as the entry says."""
    return [
        dg.ScheduleDefinition(
            name=f"pull_{entry.sender}",
            job=pull_job,
            cron_schedule=entry.schedule,
            execution_timezone=TIME_ZONE,
            run_config=dg.RunConfig(ops={"fetch": PullConfig(senders=[entry.sender])}),
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=f"Fetches what {entry.title} left at its own place.",
        )
        for entry in load_senders().values()
        if entry.sources
    ]
