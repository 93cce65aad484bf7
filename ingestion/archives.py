"""Archives opened safely: zip, gz and zst become the files they hold, or a reason why they stay closed.

Belongs here: what an archive may hold, and unpacking it within limits. Does not belong here: landing its members.
"""

from __future__ import annotations

import errno
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pyarrow as pa

from ingestion.limits import MOST_PULLED_BYTES, MOST_PULLED_MEMBERS, MOST_PULLED_RATIO

KINDS = (".zip", ".gz", ".zst")
# What a member may not be: an archive within an archive can hold any number of bytes.
_NESTED = (*KINDS, ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz", ".cab", ".arj")
# Names in archives of old programs are in the code page that DOS had in this part of the world.
_OLD_NAMES = "cp866"
_CHUNK_BYTES = 1 << 20


class UnsafeArchive(Exception):
    """An archive that stays closed; says why."""


@dataclass(frozen=True)
class Limits:
    """What an archive may at most hold: members, bytes in all, and bytes for each byte of its own."""

    members: int = MOST_PULLED_MEMBERS
    total_bytes: int = MOST_PULLED_BYTES
    ratio: int = MOST_PULLED_RATIO


LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """A file out of an archive: its path there, and where it lies now."""

    name: str
    path: Path


def kind_of(name: str) -> str | None:
    """The suffix by which a name is that of an archive; None when it is none."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in KINDS else None


def unpack(archive: Path, name: str, into: Path, limits: Limits = LIMITS) -> list[Member]:
    """Unpack an archive into an empty folder; members in the order of their names.

    Args:
        archive: where its bytes lie.
        name: what its sender calls it.
        into: an empty folder.

    Raises:
        UnsafeArchive: for paths that lead out of the archive, links, encrypted members, names that differ in case
            alone, archives within it, damage, and more than the limits allow. Nothing of it may then be used.
    """
    meter = _Meter(name, archive.stat().st_size, limits)
    with _damage_told(name):
        if kind_of(name) == ".zip":
            return _unzip(archive, name, into, meter)
        stem = PurePosixPath(name).stem
        _refuse_nested(name, stem)
        target = into / "0"
        with _stream(archive, kind_of(name)) as packed:
            meter.write(packed, target)
        return [Member(stem, target)]


def _unzip(archive: Path, name: str, into: Path, meter: _Meter) -> list[Member]:
    with zipfile.ZipFile(archive, metadata_encoding=_OLD_NAMES) as packed:
        infos = sorted((i for i in packed.infolist() if not i.is_dir()), key=lambda i: i.filename)
        if len(infos) > meter.limits.members:
            raise UnsafeArchive(f"{name} holds {len(infos):,} files, more than {meter.limits.members:,}")
        seen: dict[str, str] = {}
        for info in infos:
            _refuse_member(name, info)
            other = seen.setdefault(_path_in(info).casefold(), info.filename)
            if other is not info.filename:
                raise UnsafeArchive(f"{name} holds {other!r} and {info.filename!r}, which are one name")
        found = []
        for position, info in enumerate(infos):
            # What a member is called decides nothing on this disk.
            target = into / str(position)
            with packed.open(info) as stream:
                meter.write(stream, target)
            found.append(Member(_path_in(info), target))
    return found


def _path_in(info: zipfile.ZipInfo) -> str:
    """A member's path; programs of Windows may write it with backslashes."""
    return info.filename.replace("\\", "/")


def _refuse_member(name: str, info: zipfile.ZipInfo) -> None:
    member = _path_in(info)
    parts = member.split("/")
    if ".." in parts or ":" in parts[0] or "" in parts:
        raise UnsafeArchive(f"{name}: the path {member!r} leads out of the archive")
    if (info.external_attr >> 16) & 0o170000 == 0o120000:
        raise UnsafeArchive(f"{name}: {member!r} is a link")
    if info.flag_bits & 0x1:
        raise UnsafeArchive(f"{name}: {member!r} is encrypted")
    _refuse_nested(name, member)


def _refuse_nested(name: str, member: str) -> None:
    if member.lower().endswith(_NESTED):
        raise UnsafeArchive(f"{name}: {member!r} is an archive within the archive")


def _stream(archive: Path, kind: str | None) -> Any:
    return gzip.open(archive, "rb") if kind == ".gz" else pa.input_stream(str(archive), compression="zstd")


@dataclass
class _Meter:
    """Counts bytes as they are unpacked: what an archive says of its members need not be true."""

    name: str
    packed_bytes: int
    limits: Limits
    written: int = 0

    def write(self, source: IO[bytes], target: Path) -> None:
        with target.open("wb") as out:
            while chunk := source.read(_CHUNK_BYTES):
                self.written += len(chunk)
                if self.written > self.limits.total_bytes:
                    raise UnsafeArchive(f"{self.name} unpacks to more than {self.limits.total_bytes:,} bytes")
                if self.written > _CHUNK_BYTES and self.written > self.packed_bytes * self.limits.ratio:
                    raise UnsafeArchive(
                        f"{self.name} unpacks to more than {self.limits.ratio} times its {self.packed_bytes:,} bytes"
                    )
                out.write(chunk)


@contextmanager
def _damage_told(name: str) -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        gzip.BadGzipFile,
        pa.ArrowException,
        NotImplementedError,
    ) as error:
        raise UnsafeArchive(f"{name} is damaged or no archive of its kind: {error}") from error
    except OSError as error:
        # What Arrow raises for damage has no number, and a member said to lie before the first byte is invalid; the
        # number of a full disk is another.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise UnsafeArchive(f"{name} is damaged or no archive of its kind: {error}") from error
