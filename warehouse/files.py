"""Files written so that a crash leaves either the old or the new: locks, flushes, whole-file replacement.

Belongs here: what holds for any file. Does not belong here: what the files mean.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path` against other processes.

    Waits for it. The kernel frees it on a crash.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def writable_name(path: Path) -> str:
    """A path as text that can be written down: where a name is no UTF-8, as one unpacked from an old archive, its bytes
    are told as escapes."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file that nobody changes a second name; a copy where the file system has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def flush(path: Path) -> None:
    """Force a file's or folder's content to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_tree(folder: Path) -> None:
    """Force every file and folder below `folder`, and itself, to disk."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            flush(Path(parent) / name)
        flush(Path(parent))


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` as a whole: beside it first, flushed, then renamed over it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".tmp-{path.name}")
    with beside.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    flush(path.parent)


def point_link(link: Path, target: str) -> None:
    """Make the symbolic link `link` point at `target`, in one step for every reader."""
    beside = link.with_name(f".tmp-{link.name}")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)
    flush(link.parent)


def make_read_only(folder: Path) -> None:
    """Take the right to write from everything below `folder`, and from itself."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            path.chmod(path.stat().st_mode & ~0o222)
        Path(parent).chmod(Path(parent).stat().st_mode & ~0o222)


def remove_tree(folder: Path) -> None:
    """Remove a folder, also one that was made read-only."""
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o755)
    shutil.rmtree(folder)
