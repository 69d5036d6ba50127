"""Areas that can't be read this time: what is published stays, and is due when they are back."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from mtsite import record
from mtsite.atomicfile import TEMPORARY_PREFIX
from mtsite.build import digest
from mtsite.build.listing import SiteListing
from mtsite.build.state import BuildState
from mtsite.manifest import KnownRun, Page
from mtsite.model import RunKey

UNSEEN = "rows unseen"
"""In the manifest: runs of unreadable areas are missing in what is added up over all runs."""

_ADDED_UP = ("_builds", "_clusters", "_hosts", "_pushes", "_search")


def keep_published(state: BuildState) -> None:
    """Leave the runs of unreadable areas as they are, and forget none of their pages.

    Where every page is to be made again theirs are, too, as soon as their rows can be read; where
    the tree had to be adopted, their files are known again from the tree.
    """
    if not (state.all_pages or state.interrupted):
        return
    kept = [
        one
        for run_dir, one in state.known.items()
        if one.home in state.listed.unreadable and run_dir not in state.listed.heads
    ]
    state.manifest.begin_runs(one.dir for one in kept)
    for one in kept:
        if keep_files(state, one.dir):
            state.touch(one.key)
    if kept and state.all_pages and state.interrupted:
        _keep_added_up(state)


def _keep_added_up(state: BuildState) -> None:
    """Pages of hosts and failures would lose what only those rows tell, and links lead there."""
    state.manifest.put(UNSEEN, "1")
    for owner in _ADDED_UP:
        state.manifest.note_pages(_files_of(state.site, owner, (owner,)))


def must_wait(state: BuildState) -> bool:
    """Whether pages that add up all runs stay as they are: rows are known to be missing."""
    return bool(state.listed.unreadable and state.manifest.get(UNSEEN))


def came_back(state: BuildState) -> bool:
    """Whether rows that were missing can be read again: what adds up all runs is due."""
    return bool(not state.listed.unreadable and state.manifest.get(UNSEEN))


def forget_wait(state: BuildState) -> None:
    """All rows are in the sums."""
    if came_back(state):
        state.manifest.put(UNSEEN, "")
        state.commit()


def keep_files(state: BuildState, run_dir: str) -> bool:
    """Know the files of a known run from the tree, where the manifest does not; whether so."""
    if run_dir not in state.known or state.manifest.owned(run_dir):
        return False
    state.manifest.note_pages(_files_of(state.site, run_dir, (run_dir, f"_record/{run_dir}")))
    return True


def without_marks(listed: SiteListing, known: Mapping[str, KnownRun]) -> SiteListing:
    """The listing without the marks of runs that moved to areas which can't be read this time.

    Such a mark is all that can be seen of the run now, and does not mean that it is gone.
    """
    away = {
        run_dir
        for run_dir, head in listed.heads.items()
        if head.moved_to
        and (old := known.get(run_dir)) is not None
        and old.home != head.home
        and old.home in listed.unreadable
    }
    kept = {run_dir: head for run_dir, head in listed.heads.items() if run_dir not in away}
    return replace(listed, heads=kept) if away else listed


def key_names(state: BuildState, area: str, values: Sequence[str]) -> tuple[str, ...]:
    """The key names of an unreadable area, as the newest record of a target has them."""
    for _, runname, _ in reversed(state.manifest.target_runs(area, values, gone=True)):
        try:
            kept = record.load(state.site, RunKey(area, tuple(values), runname))
        except ValueError:
            continue
        if kept is not None:
            return kept.keys
    return ()


def missing_linktree(name: str, linktree: Path | None, area_path: Path) -> tuple[str, ...]:
    """What to say of a linktree that somebody chose and that is not there; () when all is well."""
    if linktree is None or linktree == area_path / "lt" or linktree.is_dir():
        return ()
    return (
        f"linktree {linktree}: no such directory; stored logs stay, new ones are looked for on"
        f" the [disks] only (mount it, or say linktree in [areas.{name}])",
    )


def _files_of(site: Path, owner: str, places: Sequence[str]) -> list[Page]:
    pages = []
    for below in places:
        for directory, _, names in os.walk(site / below):
            for name in names:
                path = Path(directory, name)
                if not name.startswith(TEMPORARY_PREFIX):
                    content = path.read_bytes()
                    where = path.relative_to(site).as_posix()
                    found = digest.of_bytes(content)
                    pages.append(Page(where, found, len(content), "", owner))
    return pages
