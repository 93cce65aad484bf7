"""How large what a sender leaves may be: every limit on a file, in one place, with what it protects from.

Belongs here: numbers. Does not belong here: the refusals, which stand where the file is read. A file beyond a limit is
rejected (`too_large`) before anything of its size is in memory; no limit is near what a real filing needs.
"""

from __future__ import annotations

MOST_COLUMNS = 2_000
"""Columns of a table. Names are compared one by one; the widest real extract has some fifty."""

LONGEST_LINE_BYTES = 8 << 20
"""A line of text: also the block in which text is read, so that no single field can fill the memory."""

MOST_UNPACKED_BYTES = 4 << 30
"""All that a .zip or .xlsx unpacks to. A hundred kilobytes can unpack to a hundred gigabytes."""

MOST_MEMBERS = 10_000
"""Files inside a .zip or .xlsx."""

MOST_PULLED_MEMBERS = 2_000
"""Files inside an archive that was pulled; each becomes a delivery."""

MOST_PULLED_BYTES = 50 << 30
"""All that an archive that was pulled unpacks to. Its files are written to disk and streamed, not held."""

MOST_PULLED_RATIO = 400
"""Bytes for each byte of an archive that was pulled. Text of filings packs into a twentieth to a fiftieth; only what
was made to burst packs into a thousandth."""

MOST_SHEET_CELLS = 50_000_000
"""Cells of a sheet, from its first corner to its last: a sheet is held as a rectangle, and one cell far out makes it
large. A full sheet of 1,048,576 rows may have 47 columns."""

WORKBOOK_MEMORY_BYTES = 6 << 30
"""Memory in which a workbook must open. A sheet of as many cells as are read takes two thirds of it."""

GEOJSON_FEATURE_MB = 500
"""One GeoJSON feature as GDAL counts it, some three million vertices; a GeoPackage may hold larger ones."""
