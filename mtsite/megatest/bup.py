"""What Megatest's archiver has of a run: the bup repositories and the name of its saves.

Megatest saves run directories of a quarter of a year into one repository, a block, under a branch
that is named after the testsuite and the rowid that the run had where it was born
(docs/areas.md). Nothing here runs bup or looks at an archive.
"""

import hashlib
from pathlib import Path

from mtsite import notes
from mtsite.megatest import rows
from mtsite.megatest.database import AreaConnection
from mtsite.megatest.linktree import AreaPlace
from mtsite.megatest.query import select
from mtsite.megatest.reader import RunHead
from mtsite.model import Archive, Run

NO_BLOCKS = frozenset({0, -1})
"""In `tests.archived`: not archived; no room was found."""


def archive_of(
    connection: AreaConnection, head: RunHead, run: Run, place: AreaPlace | None
) -> Archive | None:
    """Where the archived tests of a run lie; None for a run without any.

    `place` is the area where it was born: archives keep its name wherever the rows go.
    """
    numbers = sorted({test.archived for test in run.tests} - NO_BLOCKS)
    if not numbers:
        return None
    testsuite = (place.testsuite if place else "") or head.key.area
    marks = ", ".join("?" * len(numbers[:500]))
    found = select(
        connection, "archive_blocks", ["id", "disk_path"], f"id IN ({marks})", numbers[:500]
    )
    return Archive(
        branch=f"{testsuite}-{_birth_id(connection, head)}",
        block_name=block_name(testsuite, place.path) if place else "",
        blocks={rows.rowid(row): rows.text(row["disk_path"]) for row in found},
        disks=place.archive_disks if place else (),
    )


def block_name(testsuite: str, area: Path) -> str:
    """How the directory of each block of an area is called, below the quarter of its disk."""
    # Megatest's own name, no protection of anything.
    digest = hashlib.md5(bytes(area), usedforsecurity=False).hexdigest()
    return f"{testsuite}_{digest[:5]}"


def _birth_id(connection: AreaConnection, head: RunHead) -> int:
    found = [
        note.birth_run_id
        for note in notes.read(connection, run_id=head.run_id)
        if note.birth_area == head.key.area and note.birth_runname == head.key.runname
    ]
    return found[0] if found else head.run_id
