"""Tree against destination → what is sent, in which order, and what is let go; pure.

Several publishers may share a destination, so each path is judged by three digests: what this tree
holds, what it held when it was last published (`base`), and what the destination holds now. Who
changed a path wins; nobody takes back what another one added.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from mtsite.publish.ledger import Published

ENTRANCES = frozenset({"index.html", "404.html"})
VOLATILE = frozenset({"_status.json", "_status.js"})
_NOTHING = Published("", "", 0, "")


class TreeFile(NamedTuple):
    """One file of the tree; `digest` is of its plain content."""

    path: str
    digest: str
    size: int


@dataclass(frozen=True)
class PublishPlan:
    """What a publish will do. Lists are in the order in which they are carried out.

    new: keys that nobody can reach yet. changed: keys that readers may be looking at. resumed: put
    by an earlier publish that did not finish. dropped: nothing refers to them from now on. due:
    unreferenced for the grace time, to be deleted. adopted: lie there already, and are ours now.
    stray: put by a publish that did not finish, and no longer wanted. kept: another publisher's
    newer content.
    """

    new: tuple[TreeFile, ...] = ()
    changed: tuple[TreeFile, ...] = ()
    resumed: tuple[TreeFile, ...] = ()
    dropped: tuple[str, ...] = ()
    due: tuple[Published, ...] = ()
    adopted: tuple[TreeFile, ...] = ()
    stray: tuple[str, ...] = ()
    kept: int = 0
    unchanged: int = 0
    areas: tuple[str, ...] = ()

    @property
    def uploads(self) -> tuple[TreeFile, ...]:
        """All that is put, without the manifest."""
        return self.new + self.changed

    @property
    def needs_generation(self) -> bool:
        """Whether the manifest has anything new to say."""
        return bool(
            self.new or self.changed or self.resumed or self.dropped or self.due or self.stray
        )

    def phases(self) -> Iterator[tuple[TreeFile, ...]]:
        """Groups of uploads; each must be complete before the next begins."""
        if self.new:
            yield self.new
        group: list[TreeFile] = []
        for file in self.changed:
            if group and _rank(group[-1].path) != _rank(file.path):
                yield tuple(group)
                group = []
            group.append(file)
        if group:
            yield tuple(group)


@dataclass
class _Draft:
    new: list[TreeFile] = field(default_factory=list)
    changed: list[TreeFile] = field(default_factory=list)
    resumed: list[TreeFile] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    due: list[Published] = field(default_factory=list)
    adopted: list[TreeFile] = field(default_factory=list)
    kept: int = 0
    unchanged: int = 0


def plan_upload(
    tree: Iterable[TreeFile],
    published: Iterable[Published],
    sent: Mapping[str, str],
    *,
    due_before: int,
    dropped_areas: Iterable[str] = (),
    at_once: Collection[str] = (),
) -> PublishPlan:
    """Compare; both must come in order of their paths, as SQLite sorts text.

    `sent` is what was put since the last root: path → digest, or UNKNOWN. `due_before` is the Unix
    time: what was unreferenced at that time or earlier is deleted. `dropped_areas` are directories
    of areas whose pages go even if another publisher put them there. Paths in `at_once`, where the
    tree lacks them, go whoever put them there, and as soon as nothing refers to them.
    """
    draft = _Draft()
    areas: dict[str, None] = {}
    stray = set(sent)
    dropped = tuple(f"{area}/" for area in dropped_areas)
    for file, there in _pair(tree, published):
        if file is None:
            forced = there.path in at_once
            _judge_absent(draft, there, math.inf if forced else due_before, dropped, forced=forced)
            if there.digest:
                stray.discard(there.path)
            continue
        area, slash, _ = file.path.partition("/")
        if slash and not area.startswith("_"):
            areas[area] = None
        stray.discard(file.path)
        _judge(draft, file, there, sent.get(file.path))
    if not (draft.new or draft.changed or draft.resumed or draft.dropped or stray):
        draft.due = _worth_a_generation(draft.due)
    return PublishPlan(
        new=tuple(sorted(draft.new, key=lambda file: _rank(file.path))),
        changed=tuple(sorted(draft.changed, key=lambda file: (_rank(file.path), file.path))),
        resumed=tuple(draft.resumed),
        dropped=tuple(draft.dropped),
        due=tuple(draft.due),
        adopted=tuple(draft.adopted),
        stray=tuple(sorted(stray)),
        kept=draft.kept,
        unchanged=draft.unchanged,
        areas=tuple(areas),
    )


def is_volatile(path: str) -> bool:
    """Whether a file lives outside the generations: the site's pulse, new at every run."""
    return path in VOLATILE or path.startswith("_jobs/")


def _judge(draft: _Draft, file: TreeFile, there: Published, sent: str | None) -> None:
    """`sent` is the digest that was put there since the last root, None if nothing was."""
    lies = there.digest if sent is None else sent
    if lies == file.digest:
        if there.digest != file.digest:
            draft.resumed.append(file)
        elif there.base == file.digest:
            draft.unchanged += 1
        else:
            draft.unchanged += 1
            draft.adopted.append(file)
    elif sent is None and there.digest and there.base == file.digest:
        draft.kept += 1
    elif file.path in ENTRANCES or there.digest or there.since:
        # What is dropped but still there may be open in a browser: it changes, like a live one.
        draft.changed.append(file)
    else:
        draft.new.append(file)


def _judge_absent(
    draft: _Draft,
    there: Published,
    due_before: float,
    dropped_areas: tuple[str, ...],
    *,
    forced: bool,
) -> None:
    if there.digest:
        if forced or there.digest == there.base or there.path.startswith(dropped_areas):
            draft.dropped.append(there.path)
    elif 0 < there.since <= due_before:
        draft.due.append(there)


def _worth_a_generation(due: list[Published]) -> list[Published]:
    """Old shards alone wait for the next generation: to delete one would make another."""
    return due if any(not row.path.startswith("_manifest/") for row in due) else []


def _pair(
    tree: Iterable[TreeFile], published: Iterable[Published]
) -> Iterator[tuple[TreeFile | None, Published]]:
    """Two sorted streams side by side; nothing but one row of each is held."""
    rows = iter(published)
    row = next(rows, None)
    for file in tree:
        path = file.path
        if is_volatile(path) or path.startswith("_manifest/"):
            continue
        while row is not None and row.path < path:
            yield None, row
            row = next(rows, None)
        if row is not None and row.path == path:
            yield file, row
            row = next(rows, None)
        else:
            yield file, _NOTHING
    while row is not None:
        yield None, row
        row = next(rows, None)


def _rank(path: str) -> tuple[bool, int, bool]:
    """Order of upload: deepest first, of one depth the indexes last, the entrances at the end."""
    directory, _, name = path.rpartition("/")
    depth = directory.count("/") + 1 if directory else 0
    return path in ENTRANCES, -depth, name == "index.html"
