"""Answers of a service that is asked page by page: kept one by one, then packed into one file to land.

Belongs here: not asking again for what has been answered, and the packed file. Does not belong here: what is asked.
"""

from __future__ import annotations

import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from ingestion.pull.web import Ask
from warehouse.files import replace_file

# Pages of one table are of one day: those of a pull that broke off longer ago are asked for again.
_MOST_AGE_S = 24 * 3600.0
# Equal answers are to pack into equal bytes.
_PACKED_AT = (1980, 1, 1, 0, 0, 0)

T = TypeVar("T")


class Pages:
    """Answers in a folder. `ask` gets one from the service."""

    def __init__(self, folder: Path, ask: Ask) -> None:
        self._folder, self._ask = folder, ask
        oldest = min((page.stat().st_mtime for page in folder.glob("*.json")), default=time.time())
        if time.time() - oldest > _MOST_AGE_S:
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str, path: str, parameters: Mapping[str, str], read: Callable[[bytes], T]) -> T:
        """What `read` makes of one answer, asked for only when it is not there; what `read` refuses is not kept."""
        kept = self._folder / name
        if kept.exists():
            return read(kept.read_bytes())
        body = self._ask(path, parameters)
        value = read(body)
        replace_file(kept, body)
        return value

    def pack(self, target: Path) -> None:
        """All answers, byte for byte as received, as members of one zip."""
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            for page in sorted(self._folder.glob("*.json")):
                entry = zipfile.ZipInfo(page.name, date_time=_PACKED_AT)
                entry.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(entry, page.read_bytes())
