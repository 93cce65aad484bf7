"""Units that headers state, held against those of contracts: a layout that forgets to convert is refused.

Belongs here: reading a unit out of a header's words. Does not belong here: values, which contracts bound by row rules
where a wrong unit would lie within the bounds (`impossible_speed`, `implausibly_slow`).
"""

from __future__ import annotations

import re

# Unit of a contract -> what a header may state instead, and by what a value must be multiplied then.
_STATED: dict[str, list[tuple[str, float]]] = {
    "Mbit/s": [
        (r"[кk](?:бит|bit|bps)", 0.001),
        (r"[мm](?:бит|bit|bps)", 1.0),
        (r"[гg](?:бит|bit|bps)", 1000.0),
    ],
    "kbit/s": [(r"[кk](?:бит|bit|bps)", 1.0), (r"[мm](?:бит|bit|bps)", 1000.0)],
    "people": [(r"(?:тыс(?:яч)?|мың|thousand)(?!\w)", 1000.0), (r"(?:млн|million)(?!\w)", 1e6)],
    "households": [(r"(?:тыс(?:яч)?|мың|thousand)(?!\w)", 1000.0)],
}


def factor_stated(header: str, unit: str | None) -> float | None:
    """By what values under a header must be multiplied to be in a unit; None when the header states no unit, or two."""
    found = {
        factor
        for pattern, factor in _STATED.get(unit or "", [])
        if re.search(rf"(?<![^\W_]){pattern}", header, re.IGNORECASE)
    }
    return found.pop() if len(found) == 1 else None
