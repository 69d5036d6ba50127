"""The locks of an area while runs move: one for this site, one in the area for all sites."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mtsite import lock

AREA_LOCK = ".mtsite-move"
"""The lock of all movers of an area, in the area itself: .mtsite-move.lock."""


def lock_name(area_path: Path) -> str:
    """The lock of an area: one, by whatever path it is reached."""
    real = os.path.realpath(area_path)
    digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:12]
    return f"area-{Path(real).name}-{digest}"


@contextmanager
def hold_areas(paths: Iterable[Path], state_dir: Path, command: str) -> Iterator[None]:
    """Hold these areas for the time of a block, in an order that all movers share.

    Raises:
        BusyError: another mtsite, of this site or of another, holds one of them.
    """
    places = sorted({os.path.realpath(path): path for path in paths}.items())
    with ExitStack() as held:
        for _real, path in places:
            held.enter_context(lock.hold(state_dir, lock_name(path), command))
            # Another site may have the same area: its state lies elsewhere, the area does not.
            held.enter_context(lock.hold(path, AREA_LOCK, command))
        yield
