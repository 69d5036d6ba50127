"""Files of a run directory that patterns choose: found below it, never outside, none is opened.

Directories are looked through in the order of their names, symbolic links to directories are not
followed. What a chosen name leads to must be a regular file inside the run directory, the linktree
or the area, as for logs (`linktree`).
"""

import os
from collections.abc import Collection, Iterator
from typing import NamedTuple

from msgspec import Struct, field

from mtsite.chosenfiles import Chooser, Where
from mtsite.megatest.linktree import FoundLog, Roots, look_at, rundir_of
from mtsite.model import RunKey, Test

MOST_NAMES = 20_000
DEEPEST = 24


class _Walk(Struct):
    """One walk: how many names were looked at, and what was not."""

    chooser: Chooser
    names: int = 0
    notes: dict[str, None] = field(default_factory=dict)

    def files(self, directory: str, prefix: str, where: Where, depth: int) -> Iterator[str]:
        """The chosen names below a directory, relative to the first."""
        for name, is_directory in self._listed(directory):
            if not is_directory:
                if self.chooser.takes(where, name):
                    yield prefix + name
                continue
            below = self.chooser.below(where, name)
            if not below:
                continue
            if depth == DEEPEST:
                self.notes[f"directories more than {DEEPEST} deep were not looked into"] = None
                continue
            yield from self.files(f"{directory}/{name}", f"{prefix}{name}/", below, depth + 1)

    def _listed(self, directory: str) -> list[tuple[str, bool]]:
        """(name, whether it is a directory), by name."""
        found = []
        try:
            with os.scandir(directory) as listing:
                for each in listing:
                    self.names += 1
                    if self.names > MOST_NAMES:
                        self.notes[f"only {MOST_NAMES} names were looked at"] = None
                        break
                    is_directory = _is_directory(each)
                    if not (is_directory and each.is_symlink()):
                        found.append((each.name, is_directory))
        except OSError:
            self.notes["a directory could not be read"] = None
        found.sort(key=lambda one: os.fsencode(one[0]))
        return found


def _is_directory(each: os.DirEntry[str]) -> bool:
    try:
        return each.is_dir()
    except OSError:
        return False  # a link that leads to itself, or to where nobody may look


class Choice(NamedTuple):
    """Chosen files of a test; `more` were beyond the limit, `notes` say what was not looked at."""

    files: list[FoundLog]
    more: int = 0
    notes: tuple[str, ...] = ()


def find_attached(
    roots: Roots,
    test: tuple[RunKey, Test],
    chooser: Chooser,
    most: int,
    known: Collection[str] = (),
) -> Choice:
    """The first of the chosen files, without those in `known`.

    Files that may not be read come with the reason. Nothing that lies there makes it raise.
    """
    rundir = rundir_of(roots, *test)
    if rundir is None:
        return Choice([])
    walk = _Walk(chooser)
    found: list[FoundLog] = []
    more = 0
    for name in walk.files(rundir, "", chooser.start, 1):
        if name in known:
            continue
        if len(found) == most:
            more += 1
        elif (file := look_at(name, rundir, roots)) is not None:
            found.append(file)
    return Choice(found, more, tuple(walk.notes))
