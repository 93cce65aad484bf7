"""A team's services, started by the very commands of their units in `deploy/`, on ports of the test's own."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.postgres import free_port
from warehouse.paths import PROJECT_DIR

DEPLOY = PROJECT_DIR / "deploy"
_INSTALLED, _CODE_PORT, _WEB_PORT = "/opt/qamtu", "4266", "3000"


def environment() -> dict[str, str]:
    """What `deploy/qamtu.env` sets."""
    lines = (DEPLOY / "qamtu.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def commands(unit: str, setting: str) -> list[list[str]]:
    """The commands that a unit gives for a setting such as ExecStart, in its order."""
    text = (DEPLOY / f"qamtu-{unit}.service").read_text(encoding="utf-8")
    return [shlex.split(line) for line in re.findall(rf"^{setting}=(.+)$", text, re.MULTILINE)]


@dataclass
class Services:
    """The code location, the daemon and the web server of one home."""

    environment: dict[str, str]
    folder: Path
    code_port: int = field(default_factory=free_port)
    web_port: int = field(default_factory=free_port)
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start them in the order in which they need one another."""
        workspace = (DEPLOY / "workspace.yaml").read_text(encoding="utf-8")
        assert _CODE_PORT in workspace
        (self.folder / "workspace.yaml").write_text(workspace.replace(_CODE_PORT, str(self.code_port)))
        for unit in ("code", "daemon", "webserver"):
            for command in commands(unit, "ExecStartPre"):
                subprocess.run(self._here(command), env=self._env, cwd=PROJECT_DIR, check=True, timeout=120)
            (command,) = commands(unit, "ExecStart")
            with (self.folder / f"{unit}.log").open("ab") as log:
                self._running.append(
                    subprocess.Popen(
                        self._here(command), env=self._env, cwd=PROJECT_DIR, stdout=log, stderr=log
                    )
                )

    def wait_until_up(self, seconds: float = 300) -> None:
        """Until the web server answers and shows the code location as loaded."""
        from dagster_graphql import DagsterGraphQLClient

        end = time.monotonic() + seconds
        while True:
            try:
                client = DagsterGraphQLClient("127.0.0.1", port_number=self.web_port)
                if client._get_repo_locations_and_names_with_pipeline("refresh"):
                    return
            except Exception as error:
                if time.monotonic() > end:
                    raise AssertionError(f"not up after {seconds} s: {error}; {self.logs()}") from error
            assert all(service.poll() is None for service in self._running), self.logs()
            time.sleep(1)

    def stop(self) -> None:
        """End them as systemd does, the last one first."""
        for service in reversed(self._running):
            service.send_signal(signal.SIGTERM)
            try:
                service.wait(timeout=60)
            except subprocess.TimeoutExpired:
                service.kill()
                service.wait()
        self._running.clear()

    def logs(self, longest: int = 3000) -> str:
        """The end of what each wrote."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-longest:]}"
            for path in self.folder.glob("*.log")
        )

    @property
    def _env(self) -> dict[str, str]:
        return os.environ | self.environment

    def _here(self, command: list[str]) -> list[str]:
        """A unit's command on this machine: its own environment, ports and workspace."""
        ports = {_CODE_PORT: str(self.code_port), _WEB_PORT: str(self.web_port)}
        files = {"deploy/workspace.yaml": str(self.folder / "workspace.yaml")}
        programs = str(Path(sys.executable).parent)
        words = [word.replace(f"{_INSTALLED}/.venv/bin", programs) for word in command]
        return [{**ports, **files}.get(word, word) for word in words]
