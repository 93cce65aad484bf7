"""What a workbook or archive would unpack to, found out before anything unpacks it.

Belongs here: refusing by `ingestion.limits`. Does not belong here: reading rows.
"""

from __future__ import annotations

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
    WORKBOOK_MEMORY_BYTES,
)

BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
    zlib.error,
    ValueError,
)

# Says of each sheet its rows and columns. A sheet that cannot be read for another reason is left to its reader.
_PROBE = """
import resource, sys
path, limit, packages = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sys.path.append(packages)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
import fastexcel
book = fastexcel.read_excel(path)
for number in range(len(book.sheet_names)):
    try:
        sheet = book.load_sheet(number, header_row=None, skip_rows=0, dtypes="string")
    except MemoryError:
        raise
    except BaseException:
        continue
    print(number + 1, sheet.height, sheet.width, flush=True)
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

    It is opened in a process that may use so much memory and no more: a sheet is held as a rectangle, and one damaged
    cell, or one far out, can ask for all there is.

    Raises:
        FileRejected: too_large.
    """
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(b"PK"):
        verify_archive(path)
    elif not head.startswith(b"\xd0\xcf\x11\xe0"):
        return
    done = subprocess.run(
        # Without site-packages' start-up files, which take longer to load than most workbooks to open.
        [sys.executable, "-I", "-S", "-c", _PROBE, str(path), str(WORKBOOK_MEMORY_BYTES), _packages()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    sheets = [tuple(map(int, line.split())) for line in done.stdout.decode().splitlines()]
    if done.returncode < 0 or b"memory allocation" in done.stderr or b"MemoryError" in done.stderr:
        raise FileRejected(
            "too_large",
            f"{path.name} does not open in {WORKBOOK_MEMORY_BYTES >> 20} MB of memory: {len(sheets)} of its sheets do, "
            "the next one is damaged or has a cell far from the others",
        )
    for number, rows, columns in sheets:
        verify_extent(f"{path.name}, sheet {number}", rows, columns)


def verify_extent(where: str, rows: int, columns: int) -> None:
    """Refuse a sheet that reaches too far; raises FileRejected(too_large)."""
    if columns > MOST_COLUMNS or rows * columns > MOST_SHEET_CELLS:
        raise FileRejected(
            "too_large",
            f"{where}, reaches to row {rows}, column {columns}; at most {MOST_COLUMNS} columns and "
            f"{MOST_SHEET_CELLS:,} cells are read",
        )


def _packages() -> str:
    """The folder that fastexcel lies in, without loading it."""
    found = find_spec("fastexcel")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parents[1])
