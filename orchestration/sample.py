"""The sample country's inbox in a home: generated once for a seed and a version of the generator.

Belongs here: knowing whether it is there already, and putting it there whole. Does not belong here: generating.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from orchestration.code_version import tree_hash
from warehouse.paths import PROJECT_DIR, Home

DEFAULT_SEED = 2026

_STAMP = ".generated"


def sample_inbox(home: Home) -> Path:
    """Where a home keeps the sample country's filings."""
    return home.root / "sample_inbox"


def ensure_sample(home: Home, seed: int = DEFAULT_SEED) -> tuple[Path, bool]:
    """The sample inbox, and whether it had to be generated. Nothing is left half written."""
    folder = sample_inbox(home)
    stamp = f"seed {seed} generator {tree_hash([PROJECT_DIR / 'sample_country'])[:16]}\n"
    if (folder / _STAMP).exists() and (folder / _STAMP).read_text() == stamp:
        return folder, False
    from sample_country import generate

    beside = folder.with_name(f".tmp-{folder.name}")
    shutil.rmtree(beside, ignore_errors=True)
    generate(beside, seed=seed)
    (beside / _STAMP).write_text(stamp)
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    return folder, True
