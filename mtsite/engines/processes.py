"""Worker processes on this host, as many as asked for."""

import gc
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import Any, TypeVar

from mtsite.engines.engine import Outcome
from mtsite.engines.inprocess import attempt

T = TypeVar("T")
R = TypeVar("R")

IN_FLIGHT_PER_WORKER = 3


class Processes:
    """A pool of forked workers, started at the first task.

    A worker that dies is reported for every task that it may have held; the pool starts anew.
    A few tasks only are done in this process: a fork costs more than they do.
    """

    def __init__(self, workers: int) -> None:
        self.workers = max(1, workers)
        self._pool: ProcessPoolExecutor | None = None

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """Each task's outcome as it ends."""
        waiting = iter(tasks)
        first = list(islice(waiting, self.workers + 1))
        if len(first) <= 1 or self.workers == 1:
            for task in chain(first, waiting):
                yield attempt(work, task)
            return
        running: dict[Future[Outcome[Any, Any]], T] = {}
        for task in first:
            running[self._submit(work, task)] = task
        while True:
            for task in islice(waiting, self.workers * IN_FLIGHT_PER_WORKER - len(running)):
                running[self._submit(work, task)] = task
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield self._outcome(future, running.pop(future))

    def close(self) -> None:
        """Let the workers go; tasks that have not started are dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _submit(self, work: Callable[[T], R], task: T) -> "Future[Outcome[Any, Any]]":
        if self._pool is None:
            fork = multiprocessing.get_context("fork")
            self._pool = ProcessPoolExecutor(self.workers, fork, initializer=_calm_collector)
        try:
            return self._pool.submit(attempt, work, task)
        except BrokenProcessPool:
            self.close()
            return self._submit(work, task)

    @staticmethod
    def _outcome(future: "Future[Outcome[Any, Any]]", task: T) -> Outcome[T, R]:
        try:
            return future.result()
        except Exception as error:  # a dead worker or an outcome that can't be pickled
            return Outcome(task, None, f"the worker was lost: {error!r}")


def _calm_collector() -> None:
    """A worker holds one task's records at a time: looking for cycles among them is lost work."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
