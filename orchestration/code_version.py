"""Which code made a release: a hash of the project's own sources, and the commit when this is a checkout.

Belongs here: hashing source files. Does not belong here: hashing data (`warehouse.fingerprint`).
"""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from pathlib import Path

from warehouse.paths import PROJECT_DIR

PACKAGES = ("dbt_project", "expectations", "ingestion", "orchestration", "sample_country", "warehouse")
SUFFIXES = frozenset(
    {".py", ".sql", ".yaml", ".yml", ".csv", ".json", ".md", ".toml", ".html", ".css", ".js"}
)
_GENERATED = frozenset({"target", "logs", "dbt_packages", "__pycache__"})


def source_files(root: Path) -> list[Path]:
    """Source files below `root` in a fixed order, without what tools generate."""
    found = [
        path
        for path in root.rglob("*")
        if path.suffix in SUFFIXES
        and path.is_file()
        and not _GENERATED.intersection(path.relative_to(root).parts)
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]
    return sorted(found, key=lambda path: path.relative_to(root).as_posix())


def tree_hash(roots: list[Path]) -> str:
    """SHA-256 over names and contents of the source files of several folders; says nothing of where they lie."""
    digest = hashlib.sha256()
    for root in sorted(roots, key=lambda path: path.name):
        for path in source_files(root):
            name = f"{root.name}/{path.relative_to(root).as_posix()}"
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


@cache
def code_version(project: Path = PROJECT_DIR) -> str:
    """`tree-<12 hex>`: equal for equal sources, whether or not they were committed."""
    return "tree-" + tree_hash([project / name for name in PACKAGES if (project / name).is_dir()])[:12]


@cache
def commit(project: Path = PROJECT_DIR) -> str | None:
    """The commit checked out, with `+changes` when files differ from it; None outside a checkout."""
    if not (project / ".git").exists():
        return None
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty=+changes", "--exclude=*"],
            cwd=project, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None
