"""What a workbook or archive would unpack to, found out before anything unpacks it.

Belongs here: refusing by `ingestion.limits`. Does not belong here: reading rows.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
import zlib
from importlib.util import find_spec
from pathlib import Path

from ingestion.faults import FileRejected
from ingestion.limits import (
    MOST_COLUMNS,
    MOST_MEMBERS,
    MOST_SHEET_CELLS,
    MOST_UNPACKED_BYTES,
    XLS_MEMORY_BYTES,
)

_CHUNK = 1 << 20
_ROW = re.compile(rb'<row[^>]*? r="(\d+)"')
# References by how many letters their column has: those of three are rare enough to be looked at one by one.
_FAR = re.compile(rb' r="([A-Z]{3,})\d')
_CELL = re.compile(rb' r="([A-Z]+)\d')
_LONGEST_REFERENCE = 64
_TWO_LETTERS = 26 + 26 * 26
BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
    zlib.error,
    ValueError,
)

_PROBE = """
import resource, sys
path, limit, packages = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sys.path.append(packages)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
import fastexcel
fastexcel.read_excel(path)
"""


def verify_archive(path: Path) -> None:
    """Refuse a .zip that says it unpacks to more than the limits allow.

    Raises:
        FileRejected: too_large. One that is no .zip is left to its reader.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except BROKEN_ARCHIVE:
        return
    unpacked = sum(member.file_size for member in members)
    if unpacked > MOST_UNPACKED_BYTES or len(members) > MOST_MEMBERS:
        raise FileRejected(
            "too_large",
            f"{path.name} holds {len(members)} files of {unpacked >> 20} MB together; at most {MOST_MEMBERS} files "
            f"of {MOST_UNPACKED_BYTES >> 20} MB are unpacked",
        )


def verify_workbook(path: Path) -> None:
    """Refuse a workbook that would need more memory than its cells are worth.

    Raises:
        FileRejected: too_large, or unreadable_workbook for an .xls that does not open in its memory.
    """
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(b"PK"):
        verify_archive(path)
        _verify_sheets(path)
    elif head.startswith(b"\xd0\xcf\x11\xe0"):
        _verify_xls(path)


def _verify_sheets(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if "worksheets/" in member.filename and member.filename.endswith(".xml"):
                    rows, columns = _extent(archive, member)
                    if columns > MOST_COLUMNS or rows * columns > MOST_SHEET_CELLS:
                        raise FileRejected(
                            "too_large",
                            f"{path.name}: {member.filename} reaches to row {rows}, column {columns}; at "
                            f"most {MOST_COLUMNS} columns and {MOST_SHEET_CELLS:,} cells are read",
                        )
    except BROKEN_ARCHIVE:
        # Its reader says what is wrong with it.
        return


def _extent(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[int, int]:
    """The last row and an upper bound of the last column that a sheet names."""
    rows, columns = 0, 26
    with archive.open(member) as stream:
        rest = b""
        while chunk := stream.read(_CHUNK):
            text = rest + chunk
            rows = max([rows, *(int(row) for row in _ROW.findall(text))])
            columns = max([columns, *(_number(letters) for letters in _FAR.findall(text))])
            rest = text[-_LONGEST_REFERENCE:]
    if rows * _TWO_LETTERS <= MOST_SHEET_CELLS or columns > MOST_COLUMNS:
        return rows, columns
    with archive.open(member) as stream:
        rest = b""
        while chunk := stream.read(_CHUNK):
            text = rest + chunk
            columns = max([columns, *(_number(letters) for letters in set(_CELL.findall(text)))])
            rest = text[-_LONGEST_REFERENCE:]
    return rows, columns


def _number(letters: bytes) -> int:
    """A column's number from its letters: A is 1, XFD 16,384; more letters than Excel has count as the last."""
    number = 0
    for letter in letters[:4]:
        number = number * 26 + letter - ord("A") + 1
    return number


def _packages() -> str:
    """The folder that fastexcel lies in, without loading it."""
    found = find_spec("fastexcel")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parents[1])


def _verify_xls(path: Path) -> None:
    """Open the file in a process that may use so much memory and no more: one damaged cell can ask for all there is."""
    done = subprocess.run(
        # Without site-packages' start-up files, which take longer to load than most workbooks to open.
        [sys.executable, "-I", "-S", "-c", _PROBE, str(path), str(XLS_MEMORY_BYTES), _packages()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode < 0 or b"memory allocation" in done.stderr or b"MemoryError" in done.stderr:
        raise FileRejected(
            "too_large",
            f"{path.name} does not open in {XLS_MEMORY_BYTES >> 20} MB of memory, as an .xls of 65,536 rows and 256 "
            "columns does; it is damaged",
        )
