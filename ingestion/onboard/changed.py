"""A file that no longer fits its layout -> what to change in the layout, as a diff.

Belongs here: the change that would let the file be read again. Does not belong here: making it; a person does.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from ingestion.faults import FileRejected
from ingestion.layout import LAYOUTS_DIR, Layout, load_layouts
from ingestion.onboard.draft import flow
from ingestion.onboard.look import Look, look
from ingestion.onboard.propose import proposals
from ingestion.readers.table import is_unnamed
from warehouse.lake import Outcome

#: Outcomes of a file that a change of its layout could mend.
MENDABLE = frozenset({"missing_column", "unmapped_column", "wrong_encoding", "missing_sheet"})


def proposal_for(path: Path, layout: Layout, outcome: Outcome) -> str | None:
    """What could be changed in a layout for a file that it refused; None for any other outcome."""
    if outcome.rule not in MENDABLE:
        return None
    return proposed_change(path, layout, list(load_layouts().values()))


def proposed_change(path: Path, layout: Layout, layouts: Sequence[Layout]) -> str | None:
    """A diff of the layout's file under which the file's header would fit; None when none can be proposed.

    Args:
        path: the file as received.
        layout: that of its sender, read from `LAYOUTS_DIR`.
        layouts: all, whose headers tell what senders call things.
    """
    file = LAYOUTS_DIR / f"{layout.layout_id}.yaml"
    if not file.is_file():
        return None
    before = file.read_text(encoding="utf-8")
    try:
        after = changed(before, look(path), layout, layouts)
    except (FileRejected, ValueError):
        # A file that cannot be made out, or that is no longer of the kind that its contract can be read from.
        return None
    if after == before or not _is_layout(after):
        return None
    name = f"ingestion/layouts/{layout.layout_id}.yaml"
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="", n=1)
    return "\n".join(lines) + "\n"


def changed(text: str, seen: Look, layout: Layout, layouts: Sequence[Layout]) -> str:
    """The text of a layout with what the file shows of itself: encoding, delimiter, and headers that moved."""
    if layout.text is not None and seen.format == "text":
        for name, old in (("encoding", layout.text.encoding), ("delimiter", layout.text.delimiter)):
            new = seen.described[name]
            if new != old:
                text = _replaced(text, f"{name}: ", old, new)
    if seen.format == "workbook" and not _reads_any(layout, seen.described["sheets"]):
        text = _with_sheets(text, layout.workbooks[0].sheets, seen.described["sheets"])
    wanted = layout.source_columns
    missing = [name for name in wanted if name not in seen.columns]
    extra = [name for name in seen.columns if name not in wanted and name not in layout.ignore]
    extra = [name for name in extra if not is_unnamed(name)]
    (proposal,) = proposals(seen, [layout.contract], [other for other in layouts if other is not layout])
    for name in missing:
        columns = {column for column, source in layout.columns.items() if source.source == name}
        found = next(
            (m.source for m in proposal.matches if m.column in columns and m.source in extra), None
        ) or next(iter(difflib.get_close_matches(name, extra, n=1, cutoff=0.6)), None)
        if found is not None:
            text = _replaced(text, "", name, found)
            extra.remove(found)
    return _with_ignored(text, layout, extra) if extra else text


def _reads_any(layout: Layout, sheets: Sequence[str]) -> bool:
    return any(
        bool(re.fullmatch(fmt.sheets, sheet)) if isinstance(fmt.sheets, str) else sheet in fmt.sheets
        for fmt in layout.workbooks
        for sheet in sheets
    )


def _with_sheets(text: str, old: str | list[str], new: Sequence[str]) -> str:
    """The text with other sheets: a pattern gives way to their names, of a list the first to the first."""
    if isinstance(old, str):
        return _replaced(text, "sheets: ", old, new)
    return _replaced(text, "[", old[0], new[0])


def _replaced(text: str, before: str, old: object, new: object) -> str:
    """The text with a value written otherwise, in whichever way YAML quotes it."""
    forms = {flow(old), f"'{old}'", f'"{old}"', str(old)}
    written = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    place = re.escape(before) if before else r"[\[{,:] ?"
    return re.sub(rf"({place})(?:{written})(?=[,}}\]\n])", lambda match: match[1] + flow(new), text)


def _with_ignored(text: str, layout: Layout, names: Sequence[str]) -> str:
    ignored = f"ignore: {flow([*layout.ignore, *names])}"
    if re.search(r"(?m)^ignore: \[", text):
        return re.sub(r"(?ms)^ignore: \[.*?\]", lambda _: ignored, text)
    return f"{text.rstrip()}\n{ignored}\n"


def _is_layout(text: str) -> bool:
    try:
        return not Layout.model_validate(yaml.safe_load(text)).problems()
    except (ValueError, yaml.YAMLError):
        return False
