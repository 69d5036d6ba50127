"""Text on its way to a person: names made harmless, progress where it takes long."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SHOW_AFTER_SECONDS = 2.0
REDRAW_SECONDS = 0.1
MOST_KEPT = 500
_DIRECTIONS = range(0x2066, 0x206A), range(0x202A, 0x202F), range(0x200E, 0x2010)


def plain(text: object) -> str:
    """A value on one line of a terminal: no control characters, no change of direction.

    Line breaks and tabs become spaces, all other control characters U+FFFD: an escape sequence in
    a run's comment must not move the cursor, set the title or hide what follows.
    """
    told = str(text)
    if told.isascii() and told.isprintable():
        return told
    return "".join(_harmless(character) for character in told)


def _harmless(character: str) -> str:
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    if character in "\t\n\r":
        return " "
    is_control = code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000
    if is_control or any(code in span for span in _DIRECTIONS):
        return "\ufffd"
    return character


def table(rows: Sequence[tuple[object, ...]]) -> str:
    """Rows in columns, two spaces apart; no trailing spaces."""
    cells = [[plain(value) for value in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
    return "\n".join(lines)


class TerminalReport:
    """Talk on a stream: lines, and on a terminal a bar for what lasts over 2 seconds.

    `verbosity` is -1 (only warnings), 0 or more. Without a terminal progress is a line
    a minute, when verbose. `said` has the newest lines, quiet or not: the history of jobs keeps
    them.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        verbosity: int = 0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.stream = stream or sys.stderr
        self.verbosity = verbosity
        self.said: list[str] = []
        self._clock = clock or time.monotonic
        self._is_terminal = self.stream.isatty()
        self._label = ""
        self._started = self._drawn = 0.0
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def say(self, text: str) -> None:
        """A line, unless quiet."""
        self._keep(text)
        if self.verbosity >= 0:
            self._line(text)

    def warn(self, text: str) -> None:
        """A line that begins with "warning:", also when quiet."""
        self._keep(f"warning: {text}")
        self._line(f"warning: {text}")

    def progress(self, label: str, done: int, total: int) -> None:
        """`done` of `total` (0: no end known); cheap enough to be called for every page."""
        now = self._clock()
        if label != self._label:
            self.close()
            self._label, self._started, self._drawn = label, now, now
        wait = REDRAW_SECONDS if self._is_terminal else 60
        if self.verbosity < 0 or now - self._drawn < wait:
            return
        if self._is_terminal and now - self._started >= SHOW_AFTER_SECONDS:
            self._drawn = now
            self._draw(label, done, total)
        elif not self._is_terminal and self.verbosity > 0:
            self._drawn = now
            self._line(f"{label}: {done}" + (f" of {total}" if total else ""))

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None
        self._label = ""

    def _keep(self, text: str) -> None:
        self.said.append(text)
        if len(self.said) > 2 * MOST_KEPT:
            del self.said[:MOST_KEPT]

    def _line(self, text: str) -> None:
        message = "\n".join(plain(line) for line in text.split("\n"))
        if self._bar is not None:
            self._bar.console.print(message, markup=False, highlight=False, soft_wrap=True)
        else:
            print_line(message, self.stream)

    def _draw(self, label: str, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import Progress

        if self._bar is None:
            self._bar = Progress(console=Console(file=self.stream), transient=True)
            self._task = self._bar.add_task(plain(label).replace("[", "\\["), total=total or None)
            self._bar.start()
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=total or None)


def print_line(text: str, stream: TextIO) -> None:
    """Write a line; what the stream's encoding can't hold becomes '?'."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()
