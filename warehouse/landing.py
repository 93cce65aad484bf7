"""Landing: deliveries exactly as received, addressed by their content, one receipt a delivery.

Belongs here: copying in, receipts, and knowing again what was already received. Does not belong here: reading them.
A landed file is never changed or deleted; one that somebody changed by hand is put right from the inbox.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from warehouse.files import replace_file, sha256_of, writable_name
from warehouse.paths import Home

_CHUNK = 4 << 20
_RECEIPT_NAMES = f"{'[0-9]' * 8}.json"
# What makes up a Shapefile: .shp and what GDAL reads beside it. Such files land together, as one .zip.
SHAPEFILE_SUFFIXES = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qix")
# The time that entries of a packed Shapefile bear, so that equal files pack into equal bytes: the earliest of .zip.
_PACKED_AT = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Origin:
    """Where a delivery was fetched from.

    `uri` bears no credentials. `archive` is the name of the archive it was a member of. `fault` says why the delivery
    may not be read, where it was fetched but is unsafe.
    """

    uri: str
    archive: str | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Receipt:
    """One delivery: the name it came under, its content and when it came. `received_order` counts from 1.

    `origin` is None for a file that somebody left in an inbox.
    """

    file_name: str
    sha256: str
    size_bytes: int
    received_order: int
    received_at: str
    origin: Origin | None = None

    @classmethod
    def read(cls, path: Path) -> Receipt:
        """The receipt in a file; raises ValueError when there is none of its number."""
        receipt = _RECEIPT.validate_json(path.read_bytes())
        if f"{receipt.received_order:08d}" != path.stem or not receipt.received_on:
            raise ValueError(f"{path} is not the receipt of delivery {receipt.received_order}")
        return receipt

    @property
    def received_on(self) -> dt.date:
        """Day of receipt, UTC."""
        return dt.datetime.fromisoformat(self.received_at).date()


_RECEIPT = TypeAdapter(Receipt)
# By path in an inbox: that path, size and time of change; the content's hash; size and time of its landed copy.
_SEEN = TypeAdapter(dict[str, tuple[str, int, int, str, int, int]])


def landed_name(receipt: Receipt) -> str:
    """Name of the landed file: its hash, and a suffix by which formats are told."""
    suffix = Path(receipt.file_name).suffix.lower()
    if not re.fullmatch(r"\.\w{1,10}", suffix):
        suffix = ""
    return f"{receipt.sha256}{'.zip' if suffix == '.shp' else suffix}"


class Landing:
    """The landing of a home, with its receipts in memory. One writer at a time, under the lake's lock."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._receipts_dir = home.landing / "receipts"
        self._pulled_dir = home.pulled_receipts
        self._copies_dir = home.landing / "receipt_copies"
        self._seen_path = home.landing / "seen.json"
        self._receipts: dict[tuple[str, str], Receipt] = {}
        self._newest: dict[str, int] = {}
        self._came: dict[str, str] = {}
        self._last = 0
        for path in sorted(self._receipts_dir.rglob(_RECEIPT_NAMES), key=lambda one: one.name):
            self._last = int(path.stem)
            with suppress(ValueError, OSError):
                self._hold(self._whole_receipt(path))
        self._seen: dict[str, tuple[str, int, int, str, int, int]] = {}
        with suppress(FileNotFoundError, ValueError):
            self._seen = _SEEN.validate_json(self._seen_path.read_bytes())
        self._remembered = dict(self._seen)

    @property
    def count(self) -> int:
        """How many deliveries there have been."""
        return len(self._receipts)

    def receipts(self) -> list[Receipt]:
        """The last receipt of each content under each name, in the order in which they came."""
        return sorted(self._receipts.values(), key=lambda one: one.received_order)

    def holds(self, receipt: Receipt) -> bool:
        """Whether the landed file has the content that was received; reads it."""
        path = self.path(receipt)
        return path.is_file() and sha256_of(path) == receipt.sha256

    def pulled(self) -> list[Receipt]:
        """The last delivery of each name among those that were fetched, in the order of their names."""
        last: dict[str, Receipt] = {}
        for receipt in self.receipts():
            if receipt.origin is not None:
                last[receipt.file_name] = receipt
        return [last[name] for name in sorted(last)]

    def last_received_at(self, sha256: str) -> str:
        """When this content last came, under whatever name."""
        return self._came[sha256]

    def path(self, receipt: Receipt) -> Path:
        """Where the bytes of a delivery lie. The suffix is kept, because workbook formats are told by it."""
        return self._home.landing / receipt.sha256[:2] / landed_name(receipt)

    def receive(self, file: Path, file_name: str, siblings: Sequence[Path] = ()) -> Receipt:
        """Copy a file in, unless this content already came under this name, and return its receipt.

        A file whose size and time of change are as they were is known without reading it, while its landed copy is
        as it was, too: one that somebody changed is put right. A copy that was cut off is never landed: bytes go to a
        temporary name first. A Shapefile lands with its siblings in one .zip.
        """
        stats = [one.stat() for one in (file, *siblings)]
        where = writable_name(file)
        mark = (where, sum(s.st_size for s in stats), max(s.st_mtime_ns for s in stats))
        seen = self._seen.get(where)
        if seen is not None and seen[:3] == mark:
            known = self._receipts.get((file_name, seen[3]))
            if known is not None and seen[4:] == _landed_mark(self.path(known)):
                return known
        copied = self._copy(file, siblings)
        receipt, _ = self._file(copied, file_name, None)
        landed = self.path(receipt).stat()
        self._seen[where] = (*mark, receipt.sha256, landed.st_size, landed.st_mtime_ns)
        return receipt

    def receive_fetched(
        self, file: Path, file_name: str, origin: Origin, siblings: Sequence[Path] = ()
    ) -> tuple[Receipt, bool]:
        """Land a file that was fetched whole; says whether this content is new under this name.

        Whoever fetched it removes its own copy.
        """
        return self._file(self._copy(file, siblings), file_name, origin)

    def _file(self, copied: tuple[str, Path], file_name: str, origin: Origin | None) -> tuple[Receipt, bool]:
        """Put copied bytes where their hash belongs, with a receipt where they are a delivery of their own."""
        sha256, temporary = copied
        is_new = False
        receipt = self._receipts.get((file_name, sha256))
        if receipt is None or receipt.received_order < self._newest[file_name]:
            # Content that was here before, then replaced, and now comes back is a delivery of its own.
            is_new = True
            receipt = Receipt(
                file_name=file_name,
                sha256=sha256,
                size_bytes=temporary.stat().st_size,
                received_order=self._last + 1,
                received_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                origin=origin,
            )
        target = self.path(receipt)
        if target.exists() and sha256_of(target) == sha256:
            temporary.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.chmod(0o444)
            temporary.replace(target)
        if is_new:
            self._write_receipt(receipt)
        return receipt, is_new

    def remember(self) -> None:
        """Keep what was seen, so that the next run does not read unchanged files again."""
        if self._seen != self._remembered:
            _write_json(self._seen_path, self._seen)
            self._remembered = dict(self._seen)

    def _copy(self, file: Path, siblings: Sequence[Path]) -> tuple[str, Path]:
        incoming = self._home.landing / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        temporary = incoming / f"{os.getpid()}.part"
        temporary.unlink(missing_ok=True)
        digest = hashlib.sha256()
        if file.suffix.lower() == ".shp":
            _pack((file, *siblings), temporary)
            with temporary.open("rb+") as packed:
                digest = hashlib.file_digest(packed, "sha256")
                os.fsync(packed.fileno())
            return digest.hexdigest(), temporary
        with file.open("rb") as source, temporary.open("wb") as target:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        return digest.hexdigest(), temporary

    def _write_receipt(self, receipt: Receipt) -> None:
        folder = self._receipts_dir if receipt.origin is None else self._pulled_dir
        name = f"{receipt.received_order:08d}.json"
        values = {key: value for key, value in asdict(receipt).items() if key != "origin" or value}
        # The copy first: without its number and name a delivery would count as sent again, after what was sent since.
        _write_json(self._copies_dir / name, values)
        _write_json(folder / name, values)
        self._hold(receipt)
        self._last = receipt.received_order

    def _whole_receipt(self, path: Path) -> Receipt:
        """A receipt; one that was damaged is put right from its copy. Raises ValueError or OSError without either."""
        status = path.stat()
        try:
            return _read_receipt(path, status.st_ino, status.st_mtime_ns)
        except ValueError:
            kept = Receipt.read(self._copies_dir / path.name)
            replace_file(path, (self._copies_dir / path.name).read_bytes())
            return kept

    def _hold(self, receipt: Receipt) -> None:
        newest = max(self._newest.get(receipt.file_name, 0), receipt.received_order)
        came = max(self._came.get(receipt.sha256, ""), receipt.received_at)
        self._receipts[(receipt.file_name, receipt.sha256)] = receipt
        self._newest[receipt.file_name], self._came[receipt.sha256] = newest, came


@cache
def _read_receipt(path: Path, _inode: int, _mtime_ns: int) -> Receipt:
    """One receipt, parsed once: every sender asks for all of them, and a receipt is replaced, never edited."""
    return Receipt.read(path)


def _landed_mark(path: Path) -> tuple[int, ...]:
    """What changes when somebody changes a landed file; empty when it is gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return ()
    return status.st_size, status.st_mtime_ns


def _pack(files: Sequence[Path], target: Path) -> None:
    """Files into one .zip whose bytes depend on their names and content alone."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(files, key=lambda one: one.name):
            entry = zipfile.ZipInfo(file.name, date_time=_PACKED_AT)
            entry.external_attr = 0o444 << 16
            entry.file_size = file.stat().st_size
            with file.open("rb") as source, archive.open(entry, "w") as packed:
                shutil.copyfileobj(source, packed, _CHUNK)


def _write_json(path: Path, value: object) -> None:
    replace_file(path, f"{json.dumps(value, ensure_ascii=False, indent=1)}\n".encode())
