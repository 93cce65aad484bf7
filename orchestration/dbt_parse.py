"""`python -m orchestration.dbt_parse`: parse the dbt project, every warning an error, and say how dbt is called.

For `make check`, and for whoever wants to call dbt by hand: the lines printed can be put before any dbt command.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from orchestration.dbt_engine import DbtError, environment, parse_strictly, place_arguments
from warehouse.paths import Home


def by_hand(home: Home) -> str:
    """A shell line that calls dbt on a home as a run does; `build --select <model>` takes the place of the dots."""
    variables = " ".join(f"{name}={value}" for name, value in environment(home).items())
    return f"{variables} .venv/bin/dbt … {' '.join(place_arguments(home))}"


def main() -> int:
    """Parse in a folder that is thrown away; 1 when dbt warns of anything."""
    print(by_hand(Home.from_environment()))
    with tempfile.TemporaryDirectory() as folder:
        try:
            nodes = parse_strictly(Home(Path(folder)))
        except DbtError as error:
            print(error)
            return 1
    print(f"parsed without a warning: {nodes} models, seeds and tests")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
