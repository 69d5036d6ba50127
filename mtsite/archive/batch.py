"""Some runs on their way together: which stay and why, so that one stops no other."""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct, field

from mtsite.errors import AreaBusyError, AreaUnreadableError, VerificationError
from mtsite.notes import Note

NOT_THIS_RUN = (VerificationError, AreaUnreadableError)
"""What keeps one run where it is, and no other."""


class Batch(Struct):
    """Some runs on their way: `reasons` are why some stay, by rowid at the source.

    `unsettled` were let go and wait for a second look; `done` are settled.
    """

    reasons: dict[int, str] = field(default_factory=dict)
    unsettled: list[Note] = field(default_factory=list)
    done: list[Note] = field(default_factory=list)

    def keep(self, run_id: int, reason: str) -> None:
        """Say why a run stays."""
        self.reasons[run_id] = reason


@contextmanager
def this_run(batch: Batch, run_id: int) -> Iterator[None]:
    """What goes wrong with one run alone in this block is why it stays."""
    try:
        yield
    except AreaBusyError:
        raise
    except NOT_THIS_RUN as refusal:
        batch.keep(run_id, refusal.message)
    except LookupError as difference:
        batch.keep(run_id, str(difference))
