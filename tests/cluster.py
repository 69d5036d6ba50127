"""A dask cluster of separate processes on loopback: a scheduler and workers that may be killed."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUIET = {
    "DASK_LOGGING__DISTRIBUTED": "error",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
    "OPENBLAS_NUM_THREADS": "1",
}


class Cluster:
    """A scheduler; `file` tells where it listens."""

    def __init__(self, root: Path, settings: Mapping[str, str]) -> None:
        self.root = root
        self._settings = settings
        self.file = root / "scheduler.json"
        self._log = (root / "log").open("ab")
        self.workers: list[subprocess.Popen[bytes]] = []
        self._scheduler = self._start(
            "dask_scheduler", "--port", "0", "--scheduler-file", str(self.file), "--no-dashboard"
        )
        deadline = time.monotonic() + 30
        while not self.file.exists() or not self.file.read_bytes().rstrip().endswith(b"}"):
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.02)

    def add_worker(self, threads: int = 1) -> subprocess.Popen[bytes]:
        """One worker more, a process of its own."""
        worker = self._start(
            "dask_worker",
            *("--scheduler-file", str(self.file), "--nthreads", str(threads)),
            *("--no-nanny", "--no-dashboard", "--memory-limit", "0"),
            *("--local-directory", str(self.root)),
        )
        self.workers.append(worker)
        return worker

    def living(self) -> list[subprocess.Popen[bytes]]:
        return [worker for worker in self.workers if worker.poll() is None]

    def stop(self) -> None:
        for one in (*self.workers, self._scheduler):
            one.kill()
            one.wait()
        self._log.close()

    def _start(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", "--host", "127.0.0.1", *words],
            env={
                **os.environ,
                **QUIET,
                **self._settings,
                "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            },
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )


@contextmanager
def cluster(root: Path, workers: int = 2, **settings: str) -> Iterator[Cluster]:
    """A cluster with so many workers for the time of a block; `settings` are dask's variables."""
    made = Cluster(root, settings)
    try:
        for _ in range(workers):
            made.add_worker()
        yield made
    finally:
        made.stop()
