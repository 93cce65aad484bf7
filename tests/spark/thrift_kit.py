"""A Spark Thrift server on this machine, from the jars that come with pyspark."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class ThriftServer:
    """A server on a free port of loopback that keeps its tables' names in memory, and its files in a folder."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind((self.host, 0))
            self.port = probe.getsockname()[1]

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        spec = importlib.util.find_spec("pyspark")
        assert spec is not None
        assert spec.origin is not None
        spark = Path(spec.origin).parent
        settings = {
            "spark.master": "local[2]",
            "spark.driver.memory": "1g",
            "spark.driver.bindAddress": self.host,
            "spark.driver.host": self.host,
            "spark.ui.enabled": "false",
            "spark.local.dir": str(self.folder / "spill"),
            "spark.sql.warehouse.dir": str(self.folder / "warehouse"),
            "spark.sql.shuffle.partitions": "4",
            "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:memory:names;create=true",
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(spark / "bin" / "spark-submit"),
                    *(part for name, value in settings.items() for part in ("--conf", f"{name}={value}")),
                    "--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2", "spark-internal",
                    "--hiveconf", f"hive.server2.thrift.port={self.port}",
                    "--hiveconf", f"hive.server2.thrift.bind.host={self.host}",
                ],
                cwd=self.folder,
                env=os.environ | {"SPARK_HOME": str(spark)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )  # fmt: skip
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex((self.host, self.port)) == 0:
                    return
            assert self.process.poll() is None, (self.folder / "server.log").read_text()[-2000:]
            time.sleep(0.5)
        raise AssertionError("the server took no connection within five minutes")

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
