"""A limit to the time that a piece of work may take, whatever it does."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StepOver(BaseException):
    """The time of a step is up. No `except Exception` on the way may take it for trouble."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `StepOver` in a block that takes longer; 0: never. It is like a kill, but is caught.

    All that a step leaves behind when it is killed anywhere, it leaves here, and the next night
    finishes it. Only the main thread of a process can be interrupted.
    """
    if not seconds or threading.current_thread() is not threading.main_thread():
        yield
        return
    is_over = False

    def over(_: int, __: FrameType | None) -> None:
        nonlocal is_over
        if not is_over:
            is_over = True
            raise StepOver

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        is_over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
