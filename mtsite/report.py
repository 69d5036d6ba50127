"""How a verb tells what it is doing, without knowing who listens."""

from typing import Protocol


class Report(Protocol):
    """Talk for the person (or the mail) behind a command; never data.

    `label` and texts may hold names from databases: who shows them makes them harmless.
    """

    def say(self, text: str) -> None:
        """Something that is worth a line, unless the caller asked for quiet."""
        ...

    def warn(self, text: str) -> None:
        """Something that went wrong and did not stop the work; shown even when quiet."""
        ...

    def progress(self, label: str, done: int, total: int | None = None) -> None:
        """`done` of `total` so far (None: no end known); cheap enough for every page."""
        ...


class Silence:
    """Nobody listens."""

    def say(self, text: str) -> None:
        """Ignored."""

    def warn(self, text: str) -> None:
        """Ignored."""

    def progress(self, label: str, done: int, total: int | None = None) -> None:
        """Ignored."""
