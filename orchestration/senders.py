"""One asset for each extract of each sender, made from the layouts: a new layout file is a new asset.

Belongs here: what Dagster shows of a sender, and calling ingestion. Does not belong here: anything about a file.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import dagster as dg

from ingestion.contract import Column, Contract, load_contracts
from ingestion.layout import Layout
from orchestration import progress
from orchestration.account import RowAccount, account_of, files_table, rows_chart, total, trouble_table
from orchestration.filings import filings_table, record_filed, today
from orchestration.owners import as_owner
from orchestration.partitions import QUARTERS, quarter_key, quarter_name
from orchestration.resources import HomeResource, IngestionEngine
from orchestration.retries import POLICY, only_passing_failures_retried
from warehouse.lake import Outcome
from warehouse.paths import Home

#: Extracts that name places; what resolves places waits for them.
PLACE_KINDS = ("kato_classifier", "kato_changes")
#: What became of every file, also of those that no layout claims.
DELIVERIES = dg.AssetKey(["lake", "deliveries"])

FRESHNESS = {
    # A quarter's filings are due within weeks of its end, a year's census within months.
    "quarterly": dg.FreshnessPolicy.time_window(
        warn_window=dt.timedelta(days=110), fail_window=dt.timedelta(days=140)
    ),
    "yearly": dg.FreshnessPolicy.time_window(
        warn_window=dt.timedelta(days=400), fail_window=dt.timedelta(days=460)
    ),
}
_KINDS = {"text": "csv", "workbook": "excel", "features": "geometry", "records": "json"}
_CHART_PERIODS = 12


@dataclass(frozen=True)
class Extract:
    """An extract of a sender, with every layout it comes in."""

    sender: str
    kind: str
    layouts: tuple[Layout, ...]

    @property
    def key(self) -> dg.AssetKey:
        """The asset's key: sender, extract."""
        return dg.AssetKey([self.sender, self.kind])

    @property
    def contract(self) -> Contract:
        """What the extract must be."""
        return load_contracts()[self.kind]

    @property
    def is_sample(self) -> bool:
        """Whether every layout is of the sample country."""
        return all(layout.is_sample for layout in self.layouts)

    @property
    def is_partitioned(self) -> bool:
        """Whether the extract comes by quarter."""
        return any(layout.is_quarterly for layout in self.layouts)

    @property
    def resolves_places(self) -> bool:
        """Whether reading it needs the classifier of places."""
        return any(layout.resolve is not None for layout in self.layouts)


def extracts(layouts: Mapping[str, Layout]) -> list[Extract]:
    """Extracts of all layouts, by sender and kind."""

    def order(layout: Layout) -> tuple[str, str]:
        return (layout.sender, layout.extract_kind)

    ranked = sorted(layouts.values(), key=lambda layout: (*order(layout), layout.layout_id))
    return [Extract(sender, kind, tuple(found)) for (sender, kind), found in groupby(ranked, key=order)]


def keys_by_kind(layouts: Mapping[str, Layout]) -> dict[str, list[dg.AssetKey]]:
    """Asset keys of all senders by extract kind."""
    found: dict[str, list[dg.AssetKey]] = {}
    for extract in extracts(layouts):
        found.setdefault(extract.kind, []).append(extract.key)
    return found


# --- What is shown ------------------------------------------------------------------------------------------------


def column_schema(contract: Contract) -> dg.TableSchema:
    """The contract's columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.physical_type,
                description=column.description + (f" Unit: {column.unit}." if column.unit else ""),
                constraints=dg.TableColumnConstraints(
                    nullable=not column.required, other=_constraints(column)
                ),
                tags={"key": ""} if column.primary_key else {},
            )
            for column in contract.columns
        ]
    )


def _constraints(column: Column) -> list[str]:
    found = []
    if column.minimum is not None:
        found.append(f">= {column.minimum}")
    if column.maximum is not None:
        found.append(f"<= {column.maximum}")
    if column.allowed:
        found.append("one of " + ", ".join(column.allowed))
    if column.pattern:
        found.append(f"matches {column.pattern}")
    return found


def asset_spec(extract: Extract, everything: Sequence[Extract]) -> dg.AssetSpec:
    """The asset of one extract."""
    first, contract = extract.layouts[0], extract.contract
    owners = {as_owner(layout.owner) for layout in extract.layouts}
    return dg.AssetSpec(
        key=extract.key,
        deps=[other.key for other in everything if _waits_for(extract, other)],
        group_name=extract.sender,
        description=f"{first.description.strip()}\n\n{contract.grain}. Sent by {first.sender_title}.",
        owners=sorted(owner for owner in owners if owner),
        tags={"cadence": contract.cadence} | ({"sample": "true"} if extract.is_sample else {}),
        kinds={*(_KINDS[layout.format] for layout in extract.layouts), "parquet"},
        partitions_def=QUARTERS if extract.is_partitioned else None,
        freshness_policy=FRESHNESS[contract.cadence],
        metadata={
            "dagster/column_schema": column_schema(contract),
            "layouts": dg.MetadataValue.md(
                "\n".join(
                    f"- `{layout.layout_id}` reads `{layout.file_pattern}`" for layout in extract.layouts
                )
            ),
            "contract": dg.MetadataValue.text(f"{contract.id} {contract.version}"),
            "key": dg.MetadataValue.text(", ".join(contract.key)),
        },
    )


def _waits_for(extract: Extract, other: Extract) -> bool:
    """Places are resolved with every edition of the classifier; real extracts know nothing of sample ones."""
    if not extract.resolves_places or other.kind not in PLACE_KINDS or other.key == extract.key:
        return False
    return extract.is_sample or not other.is_sample


# --- What is done -------------------------------------------------------------------------------------------------


def sender_assets(layouts: Mapping[str, Layout]) -> list[dg.AssetsDefinition]:
    """One definition a sender; any of its extracts can be materialised alone."""
    everything = extracts(layouts)
    return [
        _sender_definition(sender, list(own), everything)
        for sender, own in groupby(everything, key=lambda extract: extract.sender)
    ]


def _sender_definition(sender: str, own: list[Extract], everything: list[Extract]) -> dg.AssetsDefinition:
    by_key = {extract.key: extract for extract in own}

    @dg.multi_asset(
        name=sender,
        specs=[asset_spec(extract, everything) for extract in own],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=POLICY,
    )
    def read_sender(
        context: dg.AssetExecutionContext, home: HomeResource, ingestion: IngestionEngine
    ) -> Iterator[dg.MaterializeResult[None]]:
        # Dagster wants an asset after those it depends on: the classifier of places first.
        chosen = sorted(
            (by_key[key] for key in context.selected_asset_keys),
            key=lambda extract: (extract.kind not in PLACE_KINDS, extract.kind),
        )
        layout_ids = [layout.layout_id for extract in chosen for layout in extract.layouts]
        with progress.current().stage("ingest", sender), only_passing_failures_retried():
            before = set(ingestion.outcomes(home.home))
            ingestion.ingest(home.home, home.inboxes, layout_ids, progress.current().note)
            known = ingestion.outcomes(home.home)
        record_filed(context, sender, known, changed=set(known) - before)
        for extract in chosen:
            outcomes = [o for o in known if o.layout_id in {x.layout_id for x in extract.layouts}]
            if extract.is_partitioned:
                _record_quarters(context, home.home, extract, outcomes, changed=set(outcomes) - before)
            yield dg.MaterializeResult(asset_key=extract.key, metadata=outcome_metadata(outcomes, home.home))

    return read_sender


def _record_quarters(
    context: dg.AssetExecutionContext,
    home: Home,
    extract: Extract,
    outcomes: Sequence[Outcome],
    changed: AbstractSet[Outcome],
) -> None:
    """Say which quarters were received.

    A run for chosen quarters tells each of them what it holds. A run without partitions records quarters itself:
    those in which something changed, and those that Dagster does not know yet.
    """
    by_quarter: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        key = _quarter(outcome)
        if key is not None:
            by_quarter.setdefault(key, []).append(outcome)
    if context.has_partition_key_range:
        for key in context.partition_keys:
            context.add_asset_metadata(
                outcome_metadata(by_quarter.get(key, []), home), asset_key=extract.key, partition_key=key
            )
        return
    known = context.instance.get_materialized_partitions(extract.key)
    for key, received in sorted(by_quarter.items()):
        if key not in known or not changed.isdisjoint(received):
            metadata = outcome_metadata(received, home)
            context.log_event(dg.AssetMaterialization(extract.key, partition=key, metadata=metadata))


def _quarter(outcome: Outcome) -> str | None:
    return quarter_key(dt.date.fromisoformat(outcome.as_of_date)) if outcome.as_of_date else None


def outcome_metadata(outcomes: Sequence[Outcome], home: Home) -> dict[str, Any]:
    """What an asset page shows of its files: the row account, a chart by period, the files one by one, the answers."""
    current = [outcome for outcome in outcomes if outcome.is_current]
    rows = total(account_of(outcome) for outcome in outcomes)
    periods: dict[str, RowAccount] = {}
    for outcome in current:
        key = _quarter(outcome)
        label = quarter_name(key) if key else str(outcome.as_of_date or "undated")
        periods[label] = periods.get(label, RowAccount()) + account_of(outcome)
    metadata: dict[str, Any] = {
        "files": len(outcomes),
        "files_current": len(current),
        "files_rejected": sum(not outcome.is_accepted for outcome in outcomes),
        "files_held": sum(outcome.held_for is not None for outcome in outcomes),
        "dagster/row_count": total(account_of(outcome) for outcome in current).accepted,
        "rows_read": rows.read,
        "rows_accepted": rows.accepted,
        "rows_quarantined": rows.quarantined,
        "rows_duplicate": rows.duplicate,
        "row_chart": dg.MetadataValue.md(rows_chart(sorted(periods.items())[-_CHART_PERIODS:])),
        "file_list": dg.MetadataValue.md(files_table(outcomes)),
        # Of one file its page, of several the folder that holds a folder for each.
        "answers": dg.MetadataValue.path(
            home.answers / outcomes[0].extract_id / "answer.en.html" if len(outcomes) == 1 else home.answers
        ),
    }
    if rows.accepted_pct is not None:
        metadata["accepted_pct"] = rows.accepted_pct
    return metadata


def deliveries_asset(layouts: Mapping[str, Layout]) -> dg.AssetsDefinition:
    """The account of all deliveries: the last to be read are files that no layout, or several, claim."""

    @dg.asset(
        key=DELIVERIES,
        deps=[extract.key for extract in extracts(layouts)],
        group_name="lake",
        description="What became of every file: outcome, row account and reasons of quarantine. Also files that no "
        "layout claims, or several do.",
        owners=["team:data-engineering"],
        kinds={"parquet"},
        retry_policy=POLICY,
    )
    def deliveries(
        context: dg.AssetExecutionContext, home: HomeResource, ingestion: IngestionEngine
    ) -> dg.MaterializeResult[None]:
        with progress.current().stage("ingest", "all deliveries"), only_passing_failures_retried():
            ingestion.ingest(home.home, home.inboxes, None, progress.current().note)
            known = ingestion.outcomes(home.home)
        rows = total(account_of(outcome) for outcome in known)
        refused = sum(not outcome.is_accepted for outcome in known)
        progress.current().line(
            f"ingest   {len(known)} files, {refused} not taken; rows: {rows.accepted:,} accepted, "
            f"{rows.quarantined:,} quarantined, {rows.duplicate:,} duplicate"
        )
        for outcome in known:
            if not outcome.is_accepted:
                context.log.warning(f"{outcome.outcome}: {outcome.message}")
            elif outcome.held_for:
                context.log.warning(outcome.held_for)
        return dg.MaterializeResult(
            metadata=deliveries_metadata(known)
            | {"filings": dg.MetadataValue.md(filings_table(known, today()))}
        )

    return deliveries


def deliveries_metadata(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The account of all deliveries by sender, and the files that did not go through."""
    by_sender: dict[str, RowAccount] = {}
    for outcome in outcomes:
        sender = outcome.sender or "no sender"
        by_sender[sender] = by_sender.get(sender, RowAccount()) + account_of(outcome)
    trouble = [outcome for outcome in outcomes if not outcome.is_accepted]
    rows = total(by_sender.values())
    return {
        "files": len(outcomes),
        "files_current": sum(outcome.is_current for outcome in outcomes),
        "files_rejected": len(trouble),
        "rows_read": rows.read,
        "rows_accepted": rows.accepted,
        "rows_quarantined": rows.quarantined,
        "rows_duplicate": rows.duplicate,
        "row_chart": dg.MetadataValue.md(rows_chart(sorted(by_sender.items()))),
        "files_not_accepted": dg.MetadataValue.md(trouble_table(trouble)),
    }
