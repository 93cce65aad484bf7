"""An explanation as people read it in a terminal, and its terms as CSV.

Belongs here: layout, cutting long lists, words. Does not belong here: looking anything up (`explain`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.explain import DeliveryUse, Explanation

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WHERE = ("file_name", "sheet", "row")
_NOT_VALUES = {
    "term", "name", "extract_id", "sheet", "row", "rows", "file_name", "sender", "sha256", "is_counted", "numerator",
    "denominator", "what",
}  # fmt: skip


def print_explanation(found: Explanation, console: Console, top: int) -> None:
    """Print the whole explanation, with the first `top` terms and rows."""
    figure = found.figure
    _banner(found.release, console)
    _line(console, f"[bold]{_plain(figure['metric_name'])}[/], {_plain(_key(figure))}")
    if figure["status"] == "published":
        value = f"[bold]{_value(figure['value'], figure['unit'])}[/]"
        whole = (
            f" = {_number(figure['numerator'])} of {_number(figure['denominator'])}"
            if figure["denominator"] is not None
            else ""
        )
        _line(console, f"  {value}{whole}, {figure['data_maturity']}")
    else:
        _line(console, f"  [bold red]withheld[/]: {_plain(figure['withheld_reason'] or '')}")
    _line(
        console,
        f"  how      {_plain(figure['formula'])} (method {figure['method_id']}, {figure['method_version']})",
    )
    if figure["denominator_source"]:
        _line(console, f"  of whom  {_plain(figure['denominator_source'])}, {figure['denominator_as_of']}")
    _line(console, f"  release  {found.release['publication_id']}, code {found.release['code_version']}")
    _print_terms(found, console, top)
    _print_census(found, console, top)
    _print_deliveries(found, console, top)
    _print_checks(found, console)
    _print_models(found, console)
    for note in found.notes:
        _line(console, f"note: {_plain(note)}")


def print_delivery(found: DeliveryUse, console: Console, top: int) -> None:
    """Print which published numbers rest on a delivery."""
    delivery = found.delivery
    _banner(found.release, console)
    _line(console, f"[bold]{_plain(delivery['file_name'])}[/], {delivery['outcome'].replace('_', ' ')}")
    _line(console, f"  delivery {delivery['extract_id']}")
    _line(console, f"  sha256   {delivery['sha256']}")
    rows = f"{_number(delivery['rows_accepted'])} of {_number(delivery['rows_read'])} rows accepted"
    _line(
        console,
        f"  from     {delivery['sender']}: {delivery['extract_kind']} for {delivery['as_of_date']}; {rows}",
    )
    if not delivery["is_current"]:
        by = f": {delivery['superseded_by']} replaced it" if delivery["superseded_by"] else ""
        why = f": {_plain(delivery['message'])}" if delivery["outcome"] == "held" else by
        _line(console, f"  [yellow]not in force{why}; no published number rests on it[/]")
        return
    counted = [use for use in found.uses if use["role"] == "counted"]
    table = _table("Numbers that count its rows", ("", "Metric", "Date", "Numbers"))
    for use in counted:
        numbers = _number(use["numbers_published"])
        table.add_row(use["system"], use["metric_id"], str(use["as_of_date"] or "every date"), numbers)
    console.print(table)
    read = sorted({use["metric_id"] for use in found.uses if use["role"] == "read"})
    if read:
        _line(console, f"Read besides by: {', '.join(read)}")
    if found.national:
        table = _table("Of the nation", ("Metric", "Date", "Area", "Technology", "Figure"))
        for row in found.national[:top]:
            told = _value(row["value"], row["unit"]) if row["status"] == "published" else "withheld"
            cells = (
                row["metric_id"],
                str(row["as_of_date"]),
                row["area_type"],
                row["technology"] or "",
                told,
            )
            table.add_row(*cells)
        console.print(table)
        _more(console, len(found.national), top)


def write_terms(found: Explanation, path: Path) -> int:
    """Write one CSV row per term and row of a file behind it; returns how many. Text that a spreadsheet would take for
    a formula is led by an apostrophe.
    """
    rows_of: dict[str, list[Mapping[str, Any]]] = {}
    for row in (*found.rows, *found.census_rows):
        rows_of.setdefault(row["term"], []).append(row)
    lines: list[dict[str, Any]] = []
    named = {term["term"]: term for term in found.terms}
    for name in dict.fromkeys([*named, *rows_of]):
        for filed in rows_of.get(name, [{}]):
            lines.append({**named.get(name, {"term": name}), **filed})
    columns = list(dict.fromkeys(column for line in lines for column in line))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows({column: _safe(value) for column, value in line.items()} for line in lines)
    return len(lines)


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _print_terms(found: Explanation, console: Console, top: int) -> None:
    if not found.terms:
        _print_rows(found.rows, console, top)
        return
    total = found.check_sum
    of = f" of {_number(total['denominator_of_terms'])}" if total["denominator_of_terms"] is not None else ""
    told = f"{_number(total['terms_counted'])} of {_number(total['terms'])} terms count: "
    told += f"{_number(total['numerator_of_terms'])}{of}"
    table = _table(told, ("Term", "Name", "Counts", "Of", "File", "Sheet", "Row", "As filed"))
    rows_of: dict[str, list[Mapping[str, Any]]] = {}
    for row in found.rows:
        rows_of.setdefault(row["term"], []).append(row)
    for term in found.terms[:top]:
        rows = rows_of.get(term["term"], [])
        for place, filed in enumerate(rows[:3] or [{}]):
            first = place == 0
            table.add_row(
                _plain(term["term"]) if first else "",
                _plain(term["name"] or "") if first else "",
                _number(term["numerator"]) if first else "",
                _number(term["denominator"]) if first else "",
                *_where(filed),
                _plain(_filed(filed)),
            )
        if len(rows) > 3:
            table.add_row("", "", "", "", f"and {len(rows) - 3} rows more", "", "", "")
    console.print(table)
    _more(console, len(found.terms), top)
    rest = [
        f"{_number(total[name])} {words}"
        for name, words in (
            ("numerator_unexplained", "of the numerator in no term"),
            ("denominator_in_no_term", "of the denominator in no term"),
        )
        if total[name]
    ]
    if rest:
        _line(console, f"  {'; '.join(rest)}")
    other = [row for row in found.rows if row["term"] not in {term["term"] for term in found.terms}]
    _print_rows(other, console, top)


def _print_rows(rows: Sequence[Mapping[str, Any]], console: Console, top: int) -> None:
    if not rows:
        return
    table = _table(f"{_number(len(rows))} rows besides", ("What", "File", "Sheet", "Row", "As filed"))
    for row in rows[:top]:
        table.add_row(_plain(row["term"]), *_where(row), _plain(_filed(row)))
    console.print(table)
    _more(console, len(rows), top)


def _print_census(found: Explanation, console: Console, top: int) -> None:
    if not found.census_rows:
        return
    table = _table("The census", ("Place", "Area", "Counted", "File", "Sheet", "Row"))
    for row in found.census_rows[:top]:
        table.add_row(row["term"], row["area_type"], _number(row["value"]), *_where(row))
    console.print(table)
    _more(console, len(found.census_rows), top)


def _print_deliveries(found: Explanation, console: Console, top: int) -> None:
    counted = [row for row in found.deliveries if row["role"] == "counted"]
    read = [row for row in found.deliveries if row["role"] == "read"]
    if counted:
        columns = ("Sender", "Kind", "File", "SHA-256", "Accepted", "Read", "Used here")
        table = _table(f"Deliveries counted: {len(counted)}", columns)
        shown = sorted(counted, key=lambda row: not row["rows_in_figure"])
        for row in shown[: max(top, sum(1 for each in counted if each["rows_in_figure"]))]:
            table.add_row(
                row["sender"],
                row["extract_kind"],
                _plain(row["file_name"]),
                row["sha256"][:12],
                _number(row["rows_accepted"]),
                _number(row["rows_read"]),
                _number(row["rows_in_figure"]),
            )
        console.print(table)
    if read:
        kinds = sorted({row["extract_kind"] for row in read})
        _line(console, f"Read besides: {len(read)} deliveries ({', '.join(kinds)})")


def _print_checks(found: Explanation, console: Console) -> None:
    failed = [check for check in found.checks if check["status"] != "pass"]
    _line(console, f"Checks: {len(found.checks) - len(failed)} of {len(found.checks)} that it needs passed")
    for check in failed:
        _line(
            console, f"  [red]{check['status']}[/] {_plain(check['check_id'])}: {_plain(check['observed'])}"
        )


def _print_models(found: Explanation, console: Console) -> None:
    if not found.models:
        return
    _line(console, f"Code: {len(found.models)} models and seeds of dbt_project")
    layers: dict[str, list[str]] = {}
    for model in found.models:
        layer, _, name = model.partition(".")
        layers.setdefault(layer, []).append(name)
    for layer, names in layers.items():
        _line(console, f"  {layer}: {', '.join(names)}")


def _filed(row: Mapping[str, Any]) -> str:
    """What the row says, without where it stands."""
    words = [
        f"{name} {round(value, 3) if isinstance(value, float) else value}"
        for name, value in row.items()
        if name not in _NOT_VALUES and value is not None
    ]
    rows = row.get("rows", 1)
    return ", ".join([*words, *([f"best of {_number(rows)} rows"] if rows > 1 else [])])


def _where(row: Mapping[str, Any]) -> tuple[str, str, str]:
    file, sheet, number = (row.get(name) for name in _WHERE)
    return _plain(file or ""), _plain(sheet or ""), "" if number is None else str(number)


def _key(figure: Mapping[str, Any]) -> str:
    parts = [figure["place_name"], figure["area_type"], figure["technology"], str(figure["as_of_date"])]
    return ", ".join(part for part in parts if part)


def _banner(release: Mapping[str, Any], console: Console) -> None:
    if release["is_sample"]:
        console.print(
            "[bold black on yellow] SAMPLE [/] an invented country: no figure is one of the real one"
        )


def _more(console: Console, count: int, top: int) -> None:
    if count > top:
        _line(console, f"  the first {top} of {_number(count)}; --top, --json or --csv FILE for more")


def _value(value: Any, unit: str) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.2f} %" if unit == "percent" else f"{_number(value)} {unit}"


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}"


def _line(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(str(text))


def _table(title: str, columns: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, title_style="bold")
    for name in columns:
        right = name in (
            "Counts",
            "Of",
            "Row",
            "Accepted",
            "Read",
            "Used here",
            "Numbers",
            "Counted",
            "Figure",
        )
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    return table
