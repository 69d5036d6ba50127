"""The interface of an engine, and how one is opened by name."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from mtsite.errors import UsageError

T = TypeVar("T")
R = TypeVar("R")

ENGINES = {
    "inprocess": "mtsite.engines.inprocess:InProcess",
    "processes": "mtsite.engines.processes:Processes",
    "dask": "mtsite.engines.dask:Dask",
}


class Outcome(Struct, Generic[T, R], frozen=True):
    """What became of one task: `returned`, or the traceback in `error` ('' when all went well)."""

    task: T
    returned: R | None
    error: str = ""


class Engine(Protocol):
    """Runs many independent tasks; `work` is picklable and defined at the top of a module.

    `workers` is how many tasks it runs at once.
    """

    workers: int

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """Each task's outcome as it ends; `tasks` is consumed lazily.

        An engine may begin before the first outcome is asked for.
        """
        ...

    def close(self) -> None:
        """Let the workers go."""
        ...


def open_engine(name: str, workers: int, scheduler: str = "") -> Engine:
    """The engine of that name: with so many workers, or those of a dask scheduler.

    Raises:
        UsageError: there is no engine of that name, or it lacks what it needs.
    """
    if name not in ENGINES:
        raise UsageError(
            f"there is no engine {name!r}", f"set [build] engine to one of: {', '.join(ENGINES)}"
        )
    module, _, attribute = ENGINES[name].partition(":")
    engine: Engine = getattr(import_module(module), attribute)(workers, scheduler)
    return engine
