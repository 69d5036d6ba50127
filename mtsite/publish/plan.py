"""Tree against destination → what is sent, in which order, and what is let go; pure.

Several publishers may share a destination, so each path is judged by three digests: what this tree
holds, what it held when it was last published (`base`), and what the destination holds now. Who
changed a path wins; nobody takes back what another one added.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct, field

from mtsite.publish.ledger import Published

ENTRANCES = frozenset({"index.html", "404.html"})
VOLATILE = frozenset({"_status.json", "_status.js"})
_NOTHING = Published("", "", 0, "")


class TreeFile(NamedTuple):
    """One file of the tree; `digest` is of its plain content."""

    path: str
    digest: str
    size: int


class PublishPlan(Struct, frozen=True):
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


class _Leaving(Struct, frozen=True):
    """What may go: areas as directories with '/', and what was unreferenced since that long."""

    due_before: int
    areas: tuple[str, ...]
    at_once: Collection[str]


class _Draft(Struct):
    new: list[TreeFile] = field(default_factory=list)
    changed: list[TreeFile] = field(default_factory=list)
    resumed: list[TreeFile] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    due: list[Published] = field(default_factory=list)
    adopted: list[TreeFile] = field(default_factory=list)
    kept: int = 0
    unchanged: int = 0
    areas: dict[str, None] = field(default_factory=dict)

    def judge(self, file: TreeFile, there: Published, sent: str | None) -> None:
        """`sent` is the digest that was put there since the last root, None if nothing was."""
        area, slash, _ = file.path.partition("/")
        if slash and not area.startswith("_"):
            self.areas[area] = None
        lies = there.digest if sent is None else sent
        if lies == file.digest:
            self._judge_equal(file, there)
        elif sent is None and there.digest and there.base == file.digest:
            self.kept += 1
        elif file.path in ENTRANCES or there.digest or there.since:
            # What is dropped but still there may be open in a browser: it changes, like a live one.
            self.changed.append(file)
        else:
            self.new.append(file)

    def _judge_equal(self, file: TreeFile, there: Published) -> None:
        if there.digest != file.digest:
            self.resumed.append(file)
            return
        self.unchanged += 1
        if there.base != file.digest:
            self.adopted.append(file)

    def judge_absent(self, there: Published, leaving: _Leaving) -> None:
        """What the destination has and the tree lacks."""
        forced = there.path in leaving.at_once
        if there.digest:
            if forced or there.digest == there.base or there.path.startswith(leaving.areas):
                self.dropped.append(there.path)
        elif 0 < there.since <= (math.inf if forced else leaving.due_before):
            self.due.append(there)

    def finish(self, stray: Collection[str]) -> PublishPlan:
        """The plan, in the order in which it is carried out."""
        if not (self.new or self.changed or self.resumed or self.dropped or stray):
            self.due = _worth_a_generation(self.due)
        return PublishPlan(
            new=tuple(sorted(self.new, key=lambda file: _rank(file.path))),
            changed=tuple(sorted(self.changed, key=lambda file: (_rank(file.path), file.path))),
            resumed=tuple(self.resumed),
            dropped=tuple(self.dropped),
            due=tuple(self.due),
            adopted=tuple(self.adopted),
            stray=tuple(sorted(stray)),
            kept=self.kept,
            unchanged=self.unchanged,
            areas=tuple(self.areas),
        )


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
    leaving = _Leaving(due_before, tuple(f"{area}/" for area in dropped_areas), at_once)
    stray = set(sent)
    for file, there in _pair(tree, published):
        if file is not None:
            draft.judge(file, there, sent.get(file.path))
            stray.discard(file.path)
            continue
        draft.judge_absent(there, leaving)
        if there.digest:
            stray.discard(there.path)
    return draft.finish(stray)


def is_volatile(path: str) -> bool:
    """Whether a file lives outside the generations: the site's pulse, new at every run."""
    return path in VOLATILE or path.startswith("_jobs/")


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
