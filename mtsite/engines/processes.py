"""Worker processes on this host, as many as asked for."""

import gc
import multiprocessing
import os
import threading
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

Answer = tuple[Any, str]
"""What a worker sends back of an outcome: the task, which may be large, lies here."""


class Processes:
    """A pool of forked workers, started at the first task.

    When a worker dies the tasks that it may have held are tried again, one at a time in a new
    pool: only a task of which its worker dies a second time is reported as lost.
    Workers end when this process does, even by SIGKILL.
    A few tasks only are done in this process: a fork costs more than they do.
    """

    def __init__(self, workers: int, scheduler: str = "") -> None:
        self.workers = max(1, workers)
        self._pool: ProcessPoolExecutor | None = None
        self._lifeline: tuple[int, int] | None = None

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """Each task's outcome as it ends; the first tasks are on their way when this returns."""
        waiting = iter(tasks)
        first = list(islice(waiting, 2))
        if len(first) == 1 or self.workers == 1:
            return (attempt(work, task) for task in chain(first, waiting))
        most = self.workers * IN_FLIGHT_PER_WORKER
        begun = chain(first, islice(waiting, most - len(first)))
        return self._outcomes(work, {self._submit(work, task): task for task in begun}, waiting)

    def _outcomes(
        self, work: Callable[[T], R], running: "dict[Future[Answer], T]", waiting: Iterator[T]
    ) -> Iterator[Outcome[T, R]]:
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            if any(isinstance(future.exception(), BrokenProcessPool) for future in done):
                wait(running)
                done = set(running)
            for future in done:
                yield self._outcome(work, future, running.pop(future))
            for task in islice(waiting, self.workers * IN_FLIGHT_PER_WORKER - len(running)):
                running[self._submit(work, task)] = task

    def close(self) -> None:
        """Let the workers go; tasks that have not started are dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        if self._lifeline is not None:
            for end in self._lifeline:
                os.close(end)
            self._lifeline = None

    def _submit(self, work: Callable[[T], R], task: T) -> "Future[Answer]":
        if self._pool is None:
            fork = multiprocessing.get_context("fork")
            self._lifeline = self._lifeline or os.pipe()
            self._pool = ProcessPoolExecutor(self.workers, fork, _start_worker, self._lifeline)
        try:
            return self._pool.submit(_answer, work, task)
        except BrokenProcessPool:
            self.close()
            return self._submit(work, task)

    def _outcome(self, work: Callable[[T], R], future: "Future[Answer]", task: T) -> Outcome[T, R]:
        try:
            return Outcome(task, *future.result())
        except BrokenProcessPool:
            return self._once_more(work, task)
        except Exception as error:  # an outcome that can't be pickled
            return Outcome(task, None, f"the outcome was lost: {error!r}")

    def _once_more(self, work: Callable[[T], R], task: T) -> Outcome[T, R]:
        """A task whose worker may have died of another one's fault, with no other beside it."""
        try:
            return Outcome(task, *self._submit(work, task).result())
        except Exception as error:  # it kills its worker, or its outcome can't be pickled
            return Outcome(task, None, f"the worker was lost: {error!r}")


def _answer(work: Callable[[T], R], task: T) -> Answer:
    outcome = attempt(work, task)
    return outcome.returned, outcome.error


def _start_worker(lifeline: int, held_by_parent: int) -> None:
    # Only the parent holds the other end: when it is gone, however it went, the pipe ends.
    os.close(held_by_parent)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    _calm_collector()


def _end_with(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(1)


def _calm_collector() -> None:
    """A worker holds one task's records at a time: looking for cycles among them is lost work."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
