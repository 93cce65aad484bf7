"""The memory that one very large polygon takes, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from polars_h3 import cell_area

from tests.unit.ingestion_kit import Warehouse, layout
from tests.unit.test_ingestion_features import AREAS
from warehouse.paths import PROJECT_DIR

VERTICES = 10_000_000
# Two coordinates of eight bytes each.
SIZE_MB = VERTICES * 16 // 1_000_000

BIG = """
import sys
import numpy as np, shapely, pyogrio
sys.path.insert(0, {root!r})
vertices = {vertices}
turn = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
reach = 1 + 0.3 * np.sin(40 * turn) + 0.05 * np.sin(5000 * turn)
shape = shapely.polygons(np.column_stack([67 + 5 * reach * np.cos(turn), 48 + 2.5 * reach * np.sin(turn)]))
pyogrio.raw.write({path!r}, np.array([shapely.to_wkb(shape)], dtype=object),
    [np.array(["a"], dtype=object), np.array(["4g"], dtype=object), np.array([5.0])],
    fields=np.array(["area", "tech", "mbps"]), geometry_type="Polygon", crs="EPSG:4326")
"""
READ = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.unit import test_ingestion_features as kit
import ingestion.pipeline as pipeline
from warehouse.paths import Home
def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = most()
known = {{"test/areas": kit.layout(kit.AREAS)}}
pipeline.load_layouts = lambda: known
(outcome,) = pipeline.ingest(Home(Path({home!r})), Path({inbox!r})).extracts
print(outcome.outcome, outcome.rows_accepted, most() - before)
"""


def test_a_polygon_of_ten_million_vertices_needs_no_more_memory_than_a_few_copies_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: {"test/areas": layout(AREAS)})
    warehouse = Warehouse(tmp_path)
    for file in warehouse.inbox.iterdir():
        file.unlink()
    root = str(PROJECT_DIR)
    path = warehouse.inbox / "areas_2025q4.gpkg"
    _python(BIG.format(root=root, vertices=VERTICES, path=str(path)))
    told = _python(READ.format(root=root, home=str(warehouse.home.root), inbox=str(warehouse.inbox))).split()
    assert told[:2] == ["accepted", "1"]
    assert int(told[2]) < 14 * SIZE_MB, f"{told[2]} MB for a polygon of {SIZE_MB} MB"
    outcome = warehouse.run()["areas_2025q4.gpkg"]
    row = warehouse.part("accepted", outcome).row(0, named=True)
    assert row["vertices"] == VERTICES + 1
    cells = warehouse.part("cells", outcome)
    assert cells["h3_cell"].n_unique() == cells.height
    covered = cells.select(cell_area("h3_cell", "km^2")).to_series().sum()
    assert covered == pytest.approx(row["area_km2"], rel=0.005)


def _python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
