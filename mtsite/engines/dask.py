"""Workers of a dask cluster, wherever they run: dask-jobqueue starts them on LSF, SGE, SLURM.

They see the areas, the site and the state directory under the same paths as this host, and have
this version of mtsite. Start them with one thread each: a task has its process for itself.
"""

import asyncio
import concurrent.futures
import logging
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from mtsite import __version__
from mtsite.engines.engine import Outcome
from mtsite.engines.inprocess import attempt
from mtsite.errors import MtsiteError, UsageError

T = TypeVar("T")
R = TypeVar("R")

IN_FLIGHT_PER_WORKER = 3
COUNT_SECONDS = 5
CONNECT_SECONDS = 10
WORKER_SECONDS = 60
"""How long the scheduler may be without any worker."""

ONCE_MORE = 3
_LOST = frozenset({"lost", "cancelled"})
"""Of a task that was done, when its worker died before anybody had fetched what came of it."""


class Dask:
    """Sends tasks to a scheduler that is there already: an address, or the file that it wrote.

    The scheduler gives the tasks of a worker that died to others; a task of which several workers
    died in a row, or whose outcome died with its worker, is tried once more when no other is on its
    way; one that kills the worker again is reported as lost.
    """

    def __init__(self, workers: int, scheduler: str) -> None:
        if not scheduler:
            raise UsageError(
                "the engine dask needs a scheduler",
                'set [build] dask_scheduler to its address, as "tcp://host:8786", or to its file',
            )
        self._distributed = _import_distributed()
        self._scheduler = scheduler
        self._client: Any = None
        self.workers = 1
        self._counted = -math.inf

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """Each task's outcome as it ends.

        Raises:
            MtsiteError: the scheduler, or all of its workers, went away.
        """
        waiting = iter(tasks)
        first = list(islice(waiting, 2))
        if len(first) <= 1:
            yield from (attempt(work, task) for task in first)
            return
        running = {self._submit(work, task): task for task in first}
        suspected: list[T] = []
        try:
            while True:
                for task in islice(waiting, max(0, self._room() - len(running))):
                    running[self._submit(work, task)] = task
                if not running:
                    break
                for future in self._done(running):
                    task = running.pop(future)
                    if future.status in _LOST or self._killed_workers(future):
                        suspected.append(task)
                    else:
                        yield _outcome(future, task)
            for task in suspected:
                yield self._once_more(work, task)
        finally:
            # Nobody may write into the tree any more when the caller lets go of its lock.
            while running:
                for future in self._done(running):
                    running.pop(future)

    def close(self) -> None:
        """Leave the cluster; its workers stay."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _room(self) -> int:
        """How many tasks may be on their way: workers come and go."""
        if time.monotonic() > self._counted + COUNT_SECONDS:
            self.workers = max(1, len(self._cluster().nthreads()))
            self._counted = time.monotonic()
        return self.workers * IN_FLIGHT_PER_WORKER

    def _submit(self, work: Callable[[T], R], task: T) -> Any:
        # A key of its own: the same task may be asked for twice, and must be done twice.
        return self._cluster().submit(attempt, work, task, pure=False)

    def _done(self, running: dict[Any, T]) -> list[Any]:
        """Wait until one has ended at least.

        Raises:
            MtsiteError: there is no worker left, or the scheduler is gone.
        """
        client = self._cluster()
        while True:
            try:
                ended = self._distributed.wait(
                    list(running), timeout=WORKER_SECONDS, return_when="FIRST_COMPLETED"
                )
                return list(ended.done)
            except TimeoutError:
                if client.status == "running" and client.nthreads():
                    continue
            except (asyncio.CancelledError, concurrent.futures.CancelledError):
                pass
            running.clear()
            raise self._lost()

    def _killed_workers(self, future: Any) -> bool:
        return future.status == "error" and isinstance(
            future.exception(), self._distributed.KilledWorker
        )

    def _once_more(self, work: Callable[[T], R], task: T) -> Outcome[T, R]:
        for _ in range(ONCE_MORE):
            future = self._submit(work, task)
            self._done({future: task})
            if future.status not in _LOST:
                break
        return _outcome(future, task)

    def _cluster(self) -> Any:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _connect(self) -> Any:
        where = (
            {"address": self._scheduler}
            if "://" in self._scheduler
            else {"scheduler_file": self._scheduler}
        )
        if "address" not in where and not Path(self._scheduler).is_file():
            raise UsageError(
                f"[build] dask_scheduler: no file {self._scheduler}",
                f"dask scheduler --scheduler-file {self._scheduler}",
            )
        try:
            client = self._distributed.Client(**where, timeout=CONNECT_SECONDS)
        except (OSError, TimeoutError) as error:
            raise self._lost() from error
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
            _check_workers(client)
        except BaseException as error:
            client.close()
            if isinstance(error, OSError | TimeoutError):
                raise self._lost() from error
            raise
        return client

    def _lost(self) -> MtsiteError:
        return MtsiteError(
            f"the dask scheduler {self._scheduler} does not answer, or has no worker",
            "look at the scheduler and its workers, then run it again: what is done is kept",
        )


def _outcome(future: Any, task: T) -> Outcome[T, Any]:
    if future.status == "finished":
        found: Outcome[T, Any] = future.result()
        return Outcome(task, found.returned, found.error)
    if future.status == "error":
        return Outcome(task, None, f"the worker was lost: {future.exception()!r}")
    return Outcome(task, None, f"the task was {future.status} by the cluster")


def _check_workers(client: Any) -> None:
    """Make sure that workers are of this version, and do one task at a time.

    Raises:
        UsageError: one of them is not.
    """
    versions = client.run(_version)
    for worker, threads in client.nthreads().items():
        if threads != 1:
            raise UsageError(
                f"dask worker {worker} has {threads} threads",
                "start workers with one each: dask worker --nthreads 1 --nworkers N",
            )
        if versions.get(worker, _version()) != _version():
            raise UsageError(
                f"dask worker {worker} has mtsite {versions[worker]}, this is {_version()}",
                "install the same on all hosts",
            )


def _version() -> str:
    return f"{__version__} on Python {sys.version_info[0]}.{sys.version_info[1]}"


def _import_distributed() -> Any:
    try:
        distributed = import_module("distributed")
    except ImportError as error:
        raise UsageError(
            f"the engine dask can't be loaded: {error}", 'python -m pip install "mtsite[dask]"'
        ) from error
    # It prints tracebacks of trouble that is told here in a sentence.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    return distributed
