"""Many small tasks in a few threads, told in batches: cheap enough for files of a kilobyte."""

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

AHEAD = 128
T = TypeVar("T")
R = TypeVar("R")


def in_threads(
    work: Callable[[T], R], tasks: Iterable[T], threads: int
) -> Iterator[list[tuple[T, R]]]:
    """Yield (task, what work returned) in batches, as they finish: all since the last batch.

    The first exception ends it: no further task begins, those under way finish and are still
    yielded, then it is raised. Closing the iterator early does the same. Never more than AHEAD
    tasks have begun that the caller has not dealt with.
    """
    crew = _Crew(work, iter(tasks), threads)
    crew.start()
    try:
        while done := crew.next_batch():
            yield done
            crew.make_room(len(done))
    finally:
        crew.stop()
    if crew.errors:
        raise crew.errors[0]


class _Crew(Generic[T, R]):
    def __init__(self, work: Callable[[T], R], tasks: Iterator[T], threads: int) -> None:
        self._work = work
        self._tasks = tasks
        self._taking = threading.Lock()
        self._stopped = threading.Event()
        self._finished: SimpleQueue[tuple[T, R] | None] = SimpleQueue()
        self._room = threading.Semaphore(AHEAD)
        self._threads = [threading.Thread(target=self._labour) for _ in range(threads)]
        self._running = 0
        self.errors: list[BaseException] = []

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
            self._running += 1

    def make_room(self, tasks: int) -> None:
        self._room.release(tasks)

    def stop(self) -> None:
        self._stopped.set()
        self.make_room(len(self._threads))
        for thread in self._threads:
            thread.join()

    def next_batch(self) -> list[tuple[T, R]]:
        """All that finished since the last batch, at least one; nothing: that was all."""
        done: list[tuple[T, R]] = []
        while self._running and not (done and self._finished.empty()):
            one = self._finished.get()
            if one is None:
                self._running -= 1
            else:
                done.append(one)
        return done

    def _labour(self) -> None:
        try:
            while self._room.acquire() and not self._stopped.is_set():
                with self._taking:
                    task = next(self._tasks, None)
                if task is None:
                    break
                self._finished.put((task, self._work(task)))
        except BaseException as error:
            self.errors.append(error)
            self._stopped.set()
            self.make_room(len(self._threads))
        finally:
            self._finished.put(None)
