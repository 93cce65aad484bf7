"""`python -m warehouse.report RELEASE OUT`: write the report of a release into a folder that does not exist yet."""

from __future__ import annotations

import argparse
from pathlib import Path

from warehouse.report.site import write_report

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m warehouse.report", description=__doc__)
    parser.add_argument("release", type=Path, help="folder of a release, for example var/published/current")
    parser.add_argument("out", type=Path, help="folder to write, for example /tmp/report")
    options = parser.parse_args()
    write_report(options.release, options.out)
