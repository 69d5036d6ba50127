"""Where a test lies in Megatest's archive, and the commands that bring its log back."""

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime

from mtsite.model import Run, Test
from mtsite.pages.rerun import restore_command, sayable

NO_ROOM = -1
"""In `Test.archived`: Megatest wanted to archive it and found no disk with room."""

_DEFAULT_LOG = "logs/final.log"
_INSIDE = re.compile(r"(?!/)(?!(?:.*/)?\.\.(?:/|\Z)).+", re.DOTALL)

Command = tuple[str, str]
"""(what it does, command)."""


def shown(run: Run, test: Test) -> dict[str, object] | None:
    """Block, branch and path of an archived test with commands; None for one that is not."""
    if test.archived == NO_ROOM:
        return {
            "lead": "Megatest meant to archive it and found no disk with room: it was not saved.",
            "pairs": (),
            "commands": (),
            "note": "",
        }
    if not test.archived or run.archive is None:
        return None
    inner = "/".join(filter(None, (*run.key.target, run.key.runname, *test.name)))
    block = run.archive.blocks.get(test.archived, "")
    pairs = (
        ("block", block or f"{test.archived}, not in the database"),
        ("branch", run.archive.branch),
        ("path in it", f"latest/{inner}"),
    )
    places = [block] if block else _guesses(run, test)
    commands = [
        command
        for place in places
        for command in _commands(place, run.archive.branch, inner, test.final_logf)
    ]
    back = restore_command(run.key, test)
    commands += [("or let Megatest restore it", back)] if back else []
    return {
        "lead": _lead(test),
        "pairs": pairs,
        "commands": tuple(one for one in commands if sayable(one[1])),
        "note": _note(run, test, block),
    }


def _lead(test: Test) -> str:
    if test.state == "ARCHIVED":
        return "Its run directory lies in Megatest's archive only."
    return "A copy of its run directory lies in Megatest's archive."


def _guesses(run: Run, test: Test) -> list[str]:
    """Repositories of the quarter in which it ran, on each disk that the area names for archives.

    Quarters are local to the host that archived; here UTC stands for it.
    """
    archive = run.archive
    began = test.event_time or run.event_time
    if archive is None or began is None or not archive.block_name:
        return []
    day = datetime.fromtimestamp(began, UTC)
    quarter = f"{day.year}_q{(day.month + 2) // 3}"
    return [f"{disk.rstrip('/')}/{quarter}/{archive.block_name}" for disk in archive.disks]


def _commands(block: str, branch: str, inner: str, log: str) -> Iterator[Command]:
    place = f"/{branch}/latest/{inner}"
    if log != _DEFAULT_LOG and _INSIDE.fullmatch(log):
        yield "read its log", _bup(block, "cat-file", f"{place}/{log}")
    yield "bring its files here", _bup(block, "restore", "-C", ".", place)
    yield "list its saves", _bup(block, "ls", f"/{branch}")


def _bup(block: str, *words: str) -> str:
    return shlex.join(("bup", "-d", block, *words))


def _note(run: Run, test: Test, block: str) -> str:
    if block:
        return (
            "“latest” holds the save that was made last: of a run on several disks, or one that was"
            " archived in parts, an earlier save may hold this test."
        )
    if run.archive is not None and run.archive.disks:
        return (
            "The database does not know its block any more. These are the repositories of the"
            " quarter in which it ran; an archive that was made later lies in a later quarter."
        )
    return (
        "The database does not know its block, and the area names no disk for archives: only"
        " Megatest can find it."
    )
