"""A withheld figure is NULL, with status and reason, in every table where it would have stood.

Belongs here: the SQL that turns a mart of the candidate into the table that is released. Does not belong
here: deciding what is withheld, writing tables.

A mart says in its meta which columns are whose figures: `figures` maps a metric to columns; `figures_by_row`
names the column that holds the metric and the columns that are figures of that row. A denominator is a figure
too, of the metric that publishes it (`population`, `households`), or it would stand where it was withheld.
`withheld_values` gives columns a value of their own in a row that lost figures, where `status: withheld` is not
what the column can say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from warehouse.candidate import Node
from warehouse.sql import literal, quoted
from warehouse.verdicts import PUBLISHED, WITHHELD, Verdicts

NO_VERDICT = "no verdict on this metric"
_WITHHELD_VALUES = {
    "fct_target_progress": {"status": "insufficient_data"},
    "fct_statement_check": {"verdict": "unverifiable"},
}


@dataclass
class _Rule:
    """`when` (SQL) a row loses `columns`, and the `reason` it then shows, after the metric when there are several."""

    when: str
    reason: str
    columns: frozenset[str]
    metric: str | None = None


def masked_query(node: Node, columns: Sequence[str], relation: str, verdicts: Verdicts) -> str:
    """SELECT of all `columns` of `relation`, in order, without the figures that are withheld.

    Errors: ValueError when the mart's meta names a column that it does not have.
    """
    rules = [*_rules_by_column(node, verdicts), *_rules_by_row(node, verdicts)]
    named = {column for rule in rules for column in rule.columns}
    if unknown := sorted(named - set(columns)):
        raise ValueError(f"{node.alias}: figures name columns it does not have: {', '.join(unknown)}")
    selected = ",\n    ".join(_column(node, name, rules) for name in columns)
    return f"select\n    {selected}\nfrom {relation} as mart"


def figure_columns(node: Node) -> frozenset[str]:
    """Columns of the mart that hold figures, whoever they belong to."""
    by_column = {column for listed in (node.meta.get("figures") or {}).values() for column in listed}
    by_row = set((node.meta.get("figures_by_row") or {}).get("columns") or ())
    return frozenset(by_column | by_row)


def _rules_by_column(node: Node, verdicts: Verdicts) -> list[_Rule]:
    figures = {metric: tuple(listed) for metric, listed in (node.meta.get("figures") or {}).items()}
    whole = _table_reason(node, verdicts)
    judged = {verdict.metric_id: verdict for verdict in verdicts.metrics}
    reasons: dict[str, str] = {}
    for metric in figures:
        verdict = judged.get(metric)
        if whole or verdict is None or verdict.status != PUBLISHED:
            reasons[metric] = whole or (verdict.withheld_reason if verdict else None) or NO_VERDICT
    if not reasons:
        return []
    # A row is withheld when it loses something, or when it has nothing and all it could have is withheld.
    empty = _all_null({column for listed in figures.values() for column in listed})
    several = len(set(reasons.values())) > 1 or len(reasons) < len(figures)
    rules = []
    for metric, reason in sorted(reasons.items()):
        when = f"not ({_all_null(figures[metric])})"
        if len(reasons) == len(figures):
            when = f"({when} or ({empty}))"
        rules.append(_Rule(when, reason, frozenset(figures[metric]), metric if several else None))
    return rules


def _rules_by_row(node: Node, verdicts: Verdicts) -> list[_Rule]:
    by_row = node.meta.get("figures_by_row")
    if not by_row:
        return []
    columns = frozenset(by_row["columns"])
    metric = f"mart.{quoted(by_row['metric_column'])}"
    if whole := _table_reason(node, verdicts):
        return [_Rule(f"{metric} is not null", whole, columns)]
    rules = []
    by_reason: dict[str, list[str]] = {}
    for verdict in verdicts.withheld:
        by_reason.setdefault(verdict.withheld_reason or NO_VERDICT, []).append(verdict.metric_id)
    for reason, metrics in sorted(by_reason.items()):
        rules.append(_Rule(f"{metric} in ({_listed(metrics)})", reason, columns))
    known = _listed(verdict.metric_id for verdict in verdicts.metrics)
    unknown = f"{metric} not in ({known})" if known else f"{metric} is not null"
    rules.append(_Rule(unknown, NO_VERDICT, columns))
    return rules


def _column(node: Node, name: str, rules: Sequence[_Rule]) -> str:
    source = f"mart.{quoted(name)}"
    touching = [rule for rule in rules if name in rule.columns]
    any_rule = " or ".join(f"coalesce({rule.when}, false)" for rule in rules)
    special = {**_WITHHELD_VALUES.get(node.alias, {}), **(node.meta.get("withheld_values") or {})}
    if touching:
        when = " or ".join(f"coalesce({rule.when}, false)" for rule in touching)
        return f"case when {when} then null else {source} end as {quoted(name)}"
    if rules and name in special:
        return f"case when {any_rule} then {literal(special[name])} else {source} end as {quoted(name)}"
    if rules and name == "status":
        return f"case when {any_rule} then {literal(WITHHELD)} else {source} end as {quoted(name)}"
    if rules and name == "withheld_reason":
        return f"coalesce(nullif(concat_ws('; ', {_reasons(rules)}), ''), {source}) as {quoted(name)}"
    return f"{source} as {quoted(name)}"


def _reasons(rules: Sequence[_Rule]) -> str:
    """SQL of the reasons a row has, each once, with the metrics it holds for: `a, b: check … failed`."""
    by_reason: dict[str, list[_Rule]] = {}
    for rule in rules:
        by_reason.setdefault(rule.reason, []).append(rule)
    told = []
    for reason, same in by_reason.items():
        text = literal(reason)
        named = [f"case when {rule.when} then {literal(rule.metric)} end" for rule in same if rule.metric]
        if named:
            text = f"concat_ws(', ', {', '.join(named)}) || ': ' || {text}"
        told.append(f"case when {' or '.join(rule.when for rule in same)} then {text} end")
    return ", ".join(told)


def _table_reason(node: Node, verdicts: Verdicts) -> str | None:
    for verdict in verdicts.tables:
        if verdict.table == node.alias and verdict.status == WITHHELD:
            return verdict.withheld_reason
    return None


def _all_null(columns: Iterable[str]) -> str:
    return " and ".join(f"mart.{quoted(column)} is null" for column in sorted(columns))


def _listed(values: Iterable[str]) -> str:
    return ", ".join(literal(value) for value in sorted(values))
