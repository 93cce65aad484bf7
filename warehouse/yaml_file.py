"""Reading the YAML files of the project: contracts, layouts, corrections, texts.

Belongs here: the one way they are parsed. Does not belong here: what they say.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

# libyaml parses ten times as fast as Python, which a hundred files at every start are worth.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The document in a file, of plain types only; raises yaml.YAMLError naming the place when it is no YAML."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506
