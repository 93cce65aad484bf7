"""Owners, as Dagster wants them: an e-mail address, or `team:` and a name."""

import re


def as_owner(name: str) -> str | None:
    """`Operators` -> `team:operators`; an address stays; nothing stays nothing."""
    text = name.strip()
    if not text:
        return None
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        return text
    slug = re.sub(r"[^\w-]+", "-", text.removeprefix("team:").lower()).strip("-")
    return f"team:{slug}" if slug else None
