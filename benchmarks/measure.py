"""Running one command in a fresh process and saying how long it took and how much memory it held.

Belongs here: the clock, the process tree, clean page caches before and after. Does not belong here: which commands
are run, or what their times mean.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TAIL = 4000


class CommandFailed(Exception):
    """A measured command ended with an exit code that was not expected; the message holds the end of its output."""


@dataclass(frozen=True)
class Timing:
    """One run of one command.

    seconds: wall clock. cpu_seconds: of the process and all it waited for; far below `seconds` times the cores in
    use when the machine was busy with something else. peak_bytes: highest resident memory of the process tree.
    output: what it wrote to stdout.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    exit_code: int
    output: str


def run_measured(
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    expected: Sequence[int] = (0,),
) -> Timing:
    """Run a command and measure it.

    What the system still had to write to disk is flushed first, so that no command pays for the one before it.

    Args:
        command: program and arguments.
        log: file that receives stderr.
        environment: the process's whole environment; by default this one's.
        cwd: its working folder.
        expected: exit codes that count as success.

    Raises:
        CommandFailed: any other exit code.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    os.sync()
    with log.open("wb") as errors, log.with_suffix(".out").open("w+b") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment, cwd=cwd)
        watch = _Watch(process.pid)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            watch.stop()
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode not in expected:
        tail = log.read_text(errors="replace")[-_TAIL:]
        raise CommandFailed(f"{' '.join(command)} ended with {process.returncode}\n{text[-_TAIL:]}\n{tail}")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Timing(seconds, cpu_seconds, watch.peak_bytes, process.returncode, text)


class _Watch:
    """Looks at a process tree at short intervals and keeps the highest sum of resident memory.

    What the first process held between two looks counts too, by the kernel's own mark; `ru_maxrss` would not do, since
    it begins with what the process held that started it.
    """

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._done.wait(_POLL_SECONDS):
            resident = sum(resident_bytes(pid) for pid in process_tree(self._pid))
            self.peak_bytes = max(self.peak_bytes, resident, high_water_bytes(self._pid))

    def stop(self) -> None:
        """End the watch; `peak_bytes` stays."""
        self._done.set()
        self._thread.join()


def process_tree(pid: int) -> list[int]:
    """A process and all below it; processes that have ended meanwhile are left out."""
    found = [pid]
    # A process may end while it is looked at, also between two looks of the same call.
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                for child in (task / "children").read_text().split():
                    found += process_tree(int(child))
    return found


def resident_bytes(pid: int) -> int:
    """Resident memory of one process; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def high_water_bytes(pid: int) -> int:
    """Highest resident memory of one process since it began; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def read_through(path: Path) -> None:
    """Read a file once, so that whoever is measured first does not alone pay for the disk."""
    with path.open("rb") as stream:
        while stream.read(1 << 24):
            pass
