"""The next generation of the manifest: the root to write, and the shards that it needs."""

from collections.abc import Collection, Iterable

from msgspec import Struct

from mtsite.publish.ledger import Ledger
from mtsite.publish.plan import PublishPlan
from mtsite.publish.shards import (
    Line,
    Root,
    ShardRef,
    encode_root,
    encode_shard,
    kept_shards,
    overlay,
    split,
)


class NewShard(Struct, frozen=True):
    """A shard that is not at the destination yet: its file, and the lines in it."""

    ref: ShardRef
    packed: bytes
    lines: tuple[Line, ...]


class Generation(Struct, frozen=True):
    """`root` names kept shards, then the new ones."""

    root: Root
    shards: tuple[NewShard, ...]

    @property
    def content(self) -> bytes:
        """The root as its file."""
        return encode_root(self.root)

    @property
    def sizes(self) -> list[int]:
        """Bytes of every file that is put: the shards, then the root."""
        return [*(len(shard.packed) for shard in self.shards), len(self.content)]

    def lines_of(self, ref: ShardRef) -> Iterable[Line]:
        """The lines of one of the new shards."""
        return next(shard.lines for shard in self.shards if shard.ref == ref)


def next_generation(
    ledger: Ledger, plan: PublishPlan, now: int, missing: Collection[str] = ()
) -> Generation:
    """What the manifest says once all of a plan is at the destination.

    A plan and a ledger give the same generation every time. `now` is Unix time: from then on the
    dropped paths, and shards that a larger one swallows, count as unreferenced. `missing` are
    paths of shards that the root lists and that are not there: they are swallowed too.
    """
    root, _ = ledger.root()
    changes = {line.path: line for line in _changes(ledger, plan, now)}
    whole = [place for place, ref in enumerate(root.shards) if ref.path in missing]
    kept = min([kept_shards(root.shards, len(changes)), *whole])
    swallowed = root.shards[kept:]
    if swallowed:
        changes = overlay(ledger.lines_from(kept), changes.values())
        changes |= {ref.path: Line(ref.path, "", since=now) for ref in swallowed}
    lines = sorted(changes.values())
    if kept == 0:
        lines = [line for line in lines if line.digest or line.since]
    generation = root.generation + 1
    shards = tuple(NewShard(*encode_shard(part, generation), tuple(part)) for part in split(lines))
    refs = (*root.shards[:kept], *(shard.ref for shard in shards))
    return Generation(Root(generation, plan.areas, refs), shards)


def _changes(ledger: Ledger, plan: PublishPlan, now: int) -> Iterable[Line]:
    yield from (Line(path, "") for path in ledger.deleted())
    # Said in the root that follows at once: a publisher who put one back meanwhile loses its own
    # root against this one, and puts it once more.
    yield from (Line(row.path, "") for row in plan.due)
    yield from (Line(path, "", since=now) for path in (*plan.dropped, *plan.stray))
    yield from (Line(*file) for file in (*plan.resumed, *plan.uploads))
