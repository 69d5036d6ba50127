"""The reference engine: one task after the other, in this process."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from mtsite.engines.engine import Outcome

T = TypeVar("T")
R = TypeVar("R")


class InProcess:
    """Runs each task when its outcome is asked for."""

    def __init__(self, workers: int = 1, scheduler: str = "") -> None:
        self.workers = 1

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """Each task's outcome, in the order of the tasks."""
        for task in tasks:
            yield attempt(work, task)

    def close(self) -> None:
        """There is nothing to let go."""


def attempt(work: Callable[[T], R], task: T) -> Outcome[T, R]:
    """Run one task; its exception becomes the outcome's error, whatever it is."""
    try:
        return Outcome(task, work(task))
    except Exception:  # a worker reports what happened; it must not take the other tasks down
        return Outcome(task, None, traceback.format_exc())
