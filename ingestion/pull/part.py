"""A file on its way here: what is there already, and of which version of the remote file.

Belongs here: the partial file and its mark on disk, so that a fetch continues where it broke off, also in a later run.
Does not belong here: where the bytes come from.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter

from warehouse.files import replace_file


@dataclass(frozen=True)
class Mark:
    """What tells one version of a remote file from another, as far as its server says it."""

    size: int | None = None
    etag: str | None = None
    modified: str | None = None

    @property
    def is_telling(self) -> bool:
        """Whether another version could be told by it."""
        return self.etag is not None or self.modified is not None


_MARK = TypeAdapter(Mark)


class Part:
    """The part of one remote file that has been fetched. `key` names the file, by its URI."""

    def __init__(self, folder: Path, key: str) -> None:
        self._stem = folder / hashlib.sha256(key.encode()).hexdigest()[:32]
        self._mark_path = self._stem.with_suffix(".mark.json")

    @property
    def path(self) -> Path:
        """The bytes."""
        return self._stem.with_suffix(".part")

    @property
    def pages(self) -> Path:
        """Folder of the answers of a service that is asked page by page."""
        return self._stem.with_suffix(".pages")

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def mark(self) -> Mark | None:
        """The version that the bytes are of; None when there are none, or when no version could be told."""
        try:
            mark = _MARK.validate_json(self._mark_path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return mark if self.size and mark.is_telling else None

    def begin(self, mark: Mark) -> IO[bytes]:
        """Open for the first byte of a version."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._mark_path, json.dumps(asdict(mark)).encode())
        return self.path.open("wb")

    def go_on(self) -> IO[bytes]:
        """Open for the next byte of the version that is there."""
        return self.path.open("ab")

    def discard(self) -> None:
        """Remove everything."""
        self.path.unlink(missing_ok=True)
        self._mark_path.unlink(missing_ok=True)
        shutil.rmtree(self.pages, ignore_errors=True)
