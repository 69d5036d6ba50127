"""Pages of old runs that leave this disk once they are published: `[site] keep_local`.

The manifest goes on naming them, so no build makes them again and no publish misses them; a build
that has another reason to write one (its rows, its template, `--full`) does. Records and logs stay:
builds read them. Which pages are here is asked of the disk alone, so nothing can be noted wrongly.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from mtsite.manifest import FILE, KnownRun, Manifest, Page
from mtsite.publish.ledger import Ledger

_KEPT = ("_record/", "_blobs/")


class LetGo(Struct):
    """What left the disk: number of files, and bytes of their content."""

    files: int = 0
    bytes: int = 0


def let_go(site: Path, built: Manifest, ledger: Ledger, before: int) -> LetGo:
    """Remove the published pages of sealed runs that began at `before` (Unix time) or earlier.

    No build may be going on. Only what lies at the ledger's destination as it is here goes; a kill
    anywhere is made good by the next call.
    """
    gone = LetGo()
    for run in built.known_runs().values():
        if _may_go(run, before) and (site / run.dir).is_dir():
            for page in _published(built.owned(run.dir).values(), ledger):
                try:
                    (site / page.path).unlink()
                except (FileNotFoundError, NotADirectoryError):
                    continue  # it left before
                gone.files += 1
                gone.bytes += page.size
            _remove_empty(site / run.dir)
    return gone


def is_elsewhere(state_dir: Path, path: str) -> bool:
    """Whether a file that this disk lacks is a page of the site all the same."""
    if not (state_dir / FILE).exists():
        return False
    with Manifest.open(state_dir) as built:
        return built.holds(path)


def _may_go(run: KnownRun, before: int) -> bool:
    """A run without fingerprint has pages that a build that died may have written."""
    return run.sealed and not run.gone and bool(run.fingerprint) and run.place <= before


def _published(pages: Iterable[Page], ledger: Ledger) -> Iterator[Page]:
    own = {page.path: page for page in pages if not page.path.startswith(_KEPT)}
    for row in ledger.published_at(sorted(own), 0):
        page = own.get(row.path)
        if page is not None and row.digest == row.base == page.digest:
            yield page


def _remove_empty(directory: Path) -> None:
    for below, _, _ in os.walk(directory, topdown=False):
        with contextlib.suppress(OSError):
            Path(below).rmdir()
