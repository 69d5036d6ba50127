"""What a publish did, or would do: numbers for the terminal and for --json."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from mtsite.amounts import plural, size
from mtsite.publish.audit import NAMED, Audit
from mtsite.publish.keeplocal import LetGo
from mtsite.publish.plan import PublishPlan


class PublishSummary(Struct):
    """Counts of files by class. `plain_bytes` are of their content, `sent_bytes` what went out.

    `sent_bytes` counts the manifest too, and everything as often as it was sent. `requests` counts
    what the destination was (or would be) asked, by kind. What the plan said of both is in
    `planned_requests` and `planned_bytes`: a failure that was mended makes them differ.
    `kept`: another publisher's newer content. `lost_races`: how often another publisher wrote the
    root first. `overwritten`: paths that another publisher's root had lost, named again; that can
    happen where the server ignores conditions: `only_one_is_safe`. `deleted_meanwhile`: paths that
    another publisher brought back while this one deleted them; its next publish puts them.
    `foreign` lay there before the first publish, some of them by name. `let_go` files, published
    before, left this disk, as [site] keep_local says. `address` is where a reader finds the front
    page. `paths` were put or deleted: what a cache in between must drop.
    """

    destination: str
    dry_run: bool = False
    generation: int = 0
    new: int = 0
    changed: int = 0
    resumed: int = 0
    dropped: int = 0
    deleted: int = 0
    volatile: int = 0
    kept: int = 0
    unchanged: int = 0
    shards: int = 0
    plain_bytes: int = 0
    sent_bytes: int = 0
    lost_races: int = 0
    overwritten: int = 0
    deleted_meanwhile: int = 0
    only_one_is_safe: bool = False
    requests: Counter[str] = field(default_factory=Counter)
    planned_requests: Counter[str] = field(default_factory=Counter)
    planned_bytes: int = 0
    foreign: list[str] = field(default_factory=list)
    let_go: LetGo = field(default_factory=LetGo)
    address: str = ""
    audit: Audit | None = None
    paths: list[str] = field(default_factory=list)

    def add_uploads(self, plan: PublishPlan) -> None:
        """The uploads of a plan; a plan that lost its race counts too, for it was sent."""
        self.new += len(plan.new)
        self.changed += len(plan.changed)
        self.plain_bytes += sum(file.size for file in plan.uploads)

    def plan_more(self, requests: Mapping[str, int], size: int = 0) -> None:
        """Requests and bytes that the plan leads to; what a lost race adds was not planned."""
        if not self.lost_races:
            self.planned_requests.update(requests)
            self.planned_bytes += size

    def add_paths(self, plan: PublishPlan) -> None:
        """What was put or deleted; what a publish that died had put was never told before."""
        found = {*self.audit.adopted} if self.audit else set()
        self.paths += [file.path for file in plan.uploads]
        self.paths += [file.path for file in plan.resumed if file.path not in found]
        self.paths += [row.path for row in plan.due]

    def set_rest(self, plan: PublishPlan) -> None:
        """What the plan that won says of all other files."""
        self.resumed = len(plan.resumed)
        self.dropped = len(plan.dropped) + len(plan.stray)
        self.kept = plan.kept
        self.unchanged = plan.unchanged

    @property
    def missing_shards(self) -> Sequence[str]:
        """Parts of the manifest that an audit missed."""
        return self.audit.shards if self.audit else ()

    def as_json(self) -> dict[str, Any]:
        """The document that --json prints, schema mtsite/publish/1."""
        told = asdict(self)
        for name in ("requests", "planned_requests"):
            told[name] = dict(sorted(getattr(self, name).items()))
        told["let_go"] = asdict(self.let_go)
        told["audit"] = self.audit.as_json() if self.audit else None
        return told

    def lines(self) -> list[str]:
        """The same for a person; classes without files are left out."""
        would = "would be " if self.dry_run else ""
        classes = [
            (self.new, f"new, {would}sent"),
            (self.changed, f"changed, {would}sent"),
            (self.volatile, f"volatile (status, jobs), {would}sent"),
            (self.resumed, "already sent by a publish that did not finish"),
            (self.dropped, "no longer part of the site; deleted after the grace time"),
            (self.deleted, f"unreferenced for the grace time, {would}deleted"),
            (self.kept, "left as another publisher wrote them since"),
            (self.unchanged, "unchanged"),
        ]
        told = self.audit.lines() if self.audit else []
        told += [f"{count:>9,}  {meaning}" for count, meaning in classes if count]
        sent = f", {size(self.sent_bytes)} as sent" if self.sent_bytes else ""
        told.append(f"content {size(self.plain_bytes)}{sent}; requests: {_asked(self.requests)}")
        told += self._off_the_plan()
        if self.foreign:
            told.append(
                f"objects that are not of this site lie there: {', '.join(self.foreign[:NAMED])};"
                " they are left alone (`mtsite publish --audit` lists all)"
            )
        if self.let_go.files:
            freed = size(self.let_go.bytes)
            told.append(
                f"{plural(self.let_go.files, 'page')} of sealed runs left this disk ({freed}):"
                " keep_local"
            )
        if self.overwritten:
            told.append(
                "another publisher's manifest had taken the place of ours:"
                f" {plural(self.overwritten, 'path is', 'paths are')} named again"
            )
        if many := self.deleted_meanwhile:
            was, them = ("was", "it") if many == 1 else ("were", "them")
            told.append(
                f"{plural(many, 'path')} that another publisher brought back {was} deleted"
                f" in that moment: its next publish puts {them} again"
            )
        if self.only_one_is_safe:
            told.append(
                "this server ignores conditional puts: only one publisher at a time is safe"
            )
        if self.generation:
            told.append(f"generation {self.generation} at {self.destination}")
        return told

    def _off_the_plan(self) -> list[str]:
        same = self.requests == self.planned_requests and self.sent_bytes == self.planned_bytes
        if self.dry_run or same:
            return []
        return [
            f"planned were {size(self.planned_bytes)} and {_asked(self.planned_requests)}:"
            " requests were repeated after failures, another publisher came between, or parts of"
            " a large file lay there"
        ]


def _asked(requests: Counter[str]) -> str:
    kinds = " + ".join(f"{n:,} {kind}" for kind, n in sorted(requests.items()) if n)
    return f"{requests.total():,} ({kinds})"
