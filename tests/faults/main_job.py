"""Does `qamtu run` survive, Dagster and all? kill -9 at instants of a real run on the sample.

Belongs here: the run that is killed. Does not belong here: what must hold afterwards (`survival`), and the finer
points of a run, which the tiny country shows in seconds (`small_pipeline`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.faults.gates import clean_inbox
from tests.faults.survival import KILLED, Toll, content_of, not_intact
from tests.main_job_kit import qamtu
from warehouse.files import remove_tree
from warehouse.paths import Home

PUBLISHED, WITHHELD = 0, 3
#: What arrives between the run that stands, whose figures that need it are withheld, and the one that is killed.
_NEW = "sample_koktem/satellite_2025q4.csv"


def killed(folder: Path, times: int) -> Toll:
    """`qamtu run` with a new filing, killed at instants spread over it, and the run after it.

    Raises RuntimeError when these runs do not end as they should without any kill.
    """
    toll = Toll("kill -9 of `qamtu run` at an instant")
    home, before = Home(folder / "home"), folder / "before"
    inbox = clean_inbox(folder / "inbox")
    aside = (inbox / _NEW).rename(folder / "new")
    _must_end(home, inbox, WITHHELD)
    shutil.copytree(home.root, before, symlinks=True)
    aside.rename(inbox / _NEW)
    begun = time.monotonic()
    _must_end(home, inbox, PUBLISHED)
    seconds, wanted = time.monotonic() - begun, content_of(home)
    for number in range(times):
        remove_tree(home.root)
        shutil.copytree(before, home.root, symlinks=True)
        after = seconds * (number + 1) / (times + 1)
        code = _run_and_kill(home, inbox, after)
        toll.injected += 1
        toll.struck += code == KILLED
        problems = [] if code in (KILLED, PUBLISHED) else [f"ended with {code}"]
        problems += not_intact(home, before)
        problems += _not_recovered(home, inbox, before, wanted)
        toll.problems += [f"{after:.1f} s: {problem}" for problem in problems]
    return toll


def _must_end(home: Home, inbox: Path, code: int) -> None:
    run = qamtu(home.root, "run", "--inbox", str(inbox))
    if run.code != code:
        raise RuntimeError(f"the run ended with {run.code}: {run.told[-2000:]}")


def _run_and_kill(home: Home, inbox: Path, after_seconds: float) -> int:
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("qamtu")), "run", "--inbox", str(inbox)],
        env=os.environ | {"QAMTU_HOME": str(home.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        try:
            return running.wait(after_seconds)
        except subprocess.TimeoutExpired:
            running.kill()
            return running.wait()


def _not_recovered(home: Home, inbox: Path, before: Path, wanted: dict[str, str]) -> list[str]:
    """What is wrong after one more run, without any help."""
    run = qamtu(home.root, "run", "--inbox", str(inbox))
    if run.code != PUBLISHED:
        return [f"the next run ended with {run.code}: {run.told[-600:]}"]
    found = content_of(home)
    apart = sorted(key for key in wanted | found if wanted.get(key) != found.get(key))
    told = [f"the next release says something else: {', '.join(apart)}"] if apart else []
    return [*not_intact(home, before), *told]
