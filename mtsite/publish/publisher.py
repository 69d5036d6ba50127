"""One publish, carried out: plan, send, write the root; again when another publisher was faster."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from mtsite import urls
from mtsite.errors import BusyError, DestinationError, MissingError, UsageError
from mtsite.publish.audit import Auditor
from mtsite.publish.deletions import delete_due, settle_doubts
from mtsite.publish.destination import ABSENT, Destination, PreconditionFailed
from mtsite.publish.generation import Generation, next_generation
from mtsite.publish.headers import headers_for
from mtsite.publish.ledger import UNKNOWN, Ledger, Published, Settled
from mtsite.publish.listing import fetch_shard, read_root
from mtsite.publish.newcomer import Newcomer
from mtsite.publish.plan import PublishPlan, TreeFile, plan_upload
from mtsite.publish.send import Report, Sender
from mtsite.publish.shards import ROOT
from mtsite.publish.summary import PublishSummary

LOSSES = 5
JOBS_PAGE = urls.jobs_page()
AUDIT_THREADS = 8
MANY_VOLATILE = 100
"""So many volatile files that left the tree are worth a request of their own."""


class Built(Protocol):
    """What was built, as the manifest tells it."""

    def tree(self) -> Iterable[tuple[str, str, int]]:
        """(path, SHA-256, size) of every file of the tree, in byte order of the paths."""
        ...

    def revision(self) -> str:
        """A name for what `tree` gives: the same name, the same files; '' is no name."""
        ...

    def changed_since(self, revision: str) -> Sequence[str] | None:
        """Paths that may differ from a tree of that name, in byte order; None: any may."""
        ...

    def files(self, paths: Iterable[str]) -> Iterable[tuple[str, str, int]]:
        """(path, SHA-256, size) of those of the paths that are files of the tree."""
        ...

    def areas(self) -> Sequence[str]:
        """The directories of the areas in the tree."""
        ...


class Terms(Struct, frozen=True):
    """What a publish is asked for.

    `now` is Unix time, `grace` seconds. `dropped_areas` are directories of areas to let go,
    `max_deletes` how many objects may be deleted. `audit`: compare everything by listing. Paths in
    `at_once` are deleted as soon as nothing refers to them.
    """

    now: int
    grace: int = 7 * 86400
    dropped_areas: tuple[str, ...] = ()
    max_deletes: int = 10_000
    audit: bool = False
    at_once: frozenset[str] = frozenset()


class Publisher:
    """One publish: plans, sends, writes the root; plans again when another publisher was faster."""

    def __init__(
        self, built: Built, sender: Sender, destination: Destination, ledger: Ledger
    ) -> None:
        self._built = built
        self._sender = sender
        self._destination = destination
        self._ledger = ledger

    def publish(self, terms: Terms, report: Report) -> PublishSummary:
        """Carry it out."""
        requests, sent = self._destination.requests, self._destination.sent
        summary = PublishSummary(self._destination.name, requests=requests)
        before = sent.total()
        self._ledger.enter(self._destination.epoch)
        self._refresh(terms, summary)
        # Read before the tree: a build that goes on meanwhile makes it old, never wrong.
        revision = self._built.revision()
        self._audit(terms, report, summary)
        summary.plan_more(requests)
        if JOBS_PAGE not in self._ledger.volatile() and self._sender.has(JOBS_PAGE):
            self._send_pulse(summary)  # the front page, which comes next, leads to it
        settled = self._ledger.settled()
        if settled is not None and _still_holds(settled, revision, terms):
            summary.kept, summary.unchanged = settled.kept, settled.unchanged
        else:
            self._bring_in_line(terms, report, summary)
            self._settle(revision, summary)
        self._send_pulse(summary)
        self._delete_volatile(summary)
        summary.sent_bytes = sent.total() - before
        return summary

    def _send_pulse(self, summary: PublishSummary) -> None:
        pulse = self._sender.changed_volatile()
        summary.paths += [file.path for file, _ in pulse]
        volatile = self._sender.send_volatile(pulse)
        summary.volatile += volatile.files
        summary.plain_bytes += volatile.plain_bytes
        summary.plan_more(volatile.requests, volatile.sent_bytes)

    def _bring_in_line(self, terms: Terms, report: Report, summary: PublishSummary) -> None:
        plan = self._upload(terms, report, summary)
        gone: list[Published] = []
        refused = None
        while self._needs_root(plan, summary):
            if plan.due:
                summary.plan_more(self._requests_of_delete(plan))
            plan, refused = delete_due(plan, self._destination, self._ledger)
            gone += plan.due
            if not self._needs_root(plan, summary) or self._write_root(plan, terms, summary):
                break
            self._refresh(terms, summary)
            plan = self._upload(terms, report, summary)
        self._take_over(plan)
        summary.set_rest(plan)
        summary.add_paths(replace(plan, due=tuple(gone)))
        summary.deleted = len(gone)
        if refused is not None:
            raise refused

    def _audit(self, terms: Terms, report: Report, summary: PublishSummary) -> None:
        if terms.audit:
            auditor = Auditor(self._destination, self._ledger, self._sender.encode, AUDIT_THREADS)
            summary.audit = auditor.audit(map(TreeFile._make, self._built.tree()), report)

    def _settle(self, revision: str, summary: PublishSummary) -> None:
        unchanged = summary.unchanged + summary.new + summary.changed + summary.resumed
        due = self._ledger.next_due()
        self._ledger.settle(Settled(revision, due, unchanged, summary.kept))

    def predict(self, terms: Terms, report: Report) -> PublishSummary:
        """What `publish` would do; the destination is only read.

        Raises:
            PartlyDoneError: files are not what the build wrote; they are named.
        """
        self._ledger.enter(self._destination.epoch)
        summary = PublishSummary(self._destination.name, dry_run=True)
        self._refresh(terms, summary)
        self._audit(terms, report, summary)
        plan = self._plan(terms)
        summary.plan_more(self._destination.requests)
        summary.add_paths(plan)
        measured = self._sender.measure(plan, report)
        summary.plan_more(measured.requests, measured.sent_bytes)
        summary.add_uploads(plan)
        summary.set_rest(plan)
        if self._needs_root(plan, summary):
            generation = next_generation(self._ledger, plan, terms.now, summary.missing_shards)
            summary.generation = generation.root.generation
            summary.shards = len(generation.shards)
            self._plan_root(generation, summary)
        if plan.due:
            summary.deleted = len(plan.due)
            summary.plan_more(self._requests_of_delete(plan))
        self._predict_volatile(summary)
        summary.requests, summary.sent_bytes = summary.planned_requests, summary.planned_bytes
        return summary

    def _predict_volatile(self, summary: PublishSummary) -> None:
        for file, encoded in self._sender.changed_volatile():
            summary.volatile += 1
            summary.paths.append(file.path)
            summary.plain_bytes += file.size
            requests = self._destination.requests_of_put(encoded.sent_bytes)
            summary.plan_more(requests, encoded.sent_bytes)
            encoded.close()
        self._add_volatile_gone(self._volatile_to_delete(summary), summary)

    def _plan_root(self, generation: Generation, summary: PublishSummary) -> None:
        sizes = generation.sizes
        if self._known_conditions() is None:
            sizes.append(sizes[-1])
        summary.plan_more({"PUT": len(sizes)}, sum(sizes))

    def _requests_of_delete(self, plan: PublishPlan) -> Mapping[str, int]:
        return {"GET": 1, "DELETE": self._deletes(len(plan.due))}

    def _deletes(self, count: int) -> int:
        return -(-count // self._destination.deletes_at_once)

    def _volatile_to_delete(self, summary: PublishSummary) -> Sequence[str]:
        """Volatile files that left the tree: they wait, so that nothing new stays one request."""
        gone = self._sender.gone_volatile()
        return gone if summary.generation or len(gone) >= MANY_VOLATILE else ()

    def _delete_volatile(self, summary: PublishSummary) -> None:
        gone = self._volatile_to_delete(summary)
        if gone:
            self._destination.delete(gone)
            self._destination.flush()
            self._ledger.forget_volatile(gone)
        self._add_volatile_gone(gone, summary)

    def _add_volatile_gone(self, gone: Sequence[str], summary: PublishSummary) -> None:
        summary.deleted += len(gone)
        summary.paths += gone
        summary.plan_more({"DELETE": self._deletes(len(gone))} if gone else {})

    def _upload(self, terms: Terms, report: Report, summary: PublishSummary) -> PublishPlan:
        plan = self._plan(terms)
        if plan.uploads:
            sent = self._sender.send(plan, report)
            summary.add_uploads(plan)
            summary.plan_more(sent.requests, sent.sent_bytes)
        return plan

    def _plan(self, terms: Terms) -> PublishPlan:
        plan = self._plan_changes(terms) or self._plan_all(terms)
        self._check_areas(plan, terms.dropped_areas)
        due = sorted(plan.due, key=lambda row: row.path not in terms.at_once)
        return replace(plan, due=tuple(due[: max(terms.max_deletes, len(terms.at_once))]))

    def _plan_changes(self, terms: Terms) -> PublishPlan | None:
        """The plan from what changed since tree and destination were last in line, if it is known.

        Its cost is that of the change; the counts of all else are those of that time.
        """
        settled = self._ledger.settled()
        if settled is None or terms.dropped_areas or terms.at_once:
            return None
        changed = self._built.changed_since(settled.revision)
        if changed is None:
            return None
        there = self._ledger.published_at(changed, terms.now - terms.grace)
        plan = plan_upload(
            map(TreeFile._make, self._built.files(changed)),
            there,
            {},
            due_before=terms.now - terms.grace,
        )
        were = [row for row in there if row.base]
        kept_before = sum(row.digest != row.base for row in were)
        return replace(
            plan,
            unchanged=settled.unchanged - (len(were) - kept_before) + plan.unchanged,
            kept=settled.kept - kept_before + plan.kept,
            areas=tuple(self._built.areas()),
        )

    def _plan_all(self, terms: Terms) -> PublishPlan:
        return plan_upload(
            map(TreeFile._make, self._built.tree()),
            self._ledger.published(),
            self._ledger.sent(),
            due_before=terms.now - terms.grace,
            dropped_areas=terms.dropped_areas,
            at_once=terms.at_once,
        )

    def _refresh(self, terms: Terms, summary: PublishSummary) -> None:
        """Learn what the destination holds: one request if it is what we left there."""
        _, tag = self._ledger.root()
        found = self._destination.get(ROOT, unless=tag)
        if found is None:
            if tag or not self._still_holds_what_was_sent():
                self._ledger.forget()
            if not terms.audit and not self._ledger.sent():
                newcomer = Newcomer(self._destination, self._sender.encode)
                summary.foreign = newcomer.look_around(self._built.files)
        elif not found.unchanged:
            root = read_root(self._destination, found.content)
            fetch = partial(fetch_shard, self._destination)
            summary.overwritten += self._ledger.absorb(root, found.tag, fetch)
            self._ledger.commit()
        summary.deleted_meanwhile += settle_doubts(self._destination, self._ledger)

    def _still_holds_what_was_sent(self) -> bool:
        """Whether a first publish that was killed left its objects: one is asked for."""
        sent = [path for path, digest in self._ledger.sent().items() if digest != UNKNOWN]
        return not sent or self._destination.get(min(sent)) is not None

    def _check_areas(self, plan: PublishPlan, dropped: Sequence[str]) -> None:
        root, _ = self._ledger.root()
        for area in dropped:
            if area in plan.areas:
                raise UsageError(
                    f"area {_name(area)} is part of the tree, so it can't be dropped",
                    "take it out of mtsite.toml, run `mtsite build`, then publish again",
                )
        lacking = [_name(area) for area in root.areas if area not in {*plan.areas, *dropped}]
        if lacking:
            raise DestinationError(
                f"{self._destination.name} has areas that this tree lacks: {', '.join(lacking)}",
                "build them, or let one go with `mtsite publish --drop-area NAME`",
            )
        if not plan.areas and not plan.unchanged + len(plan.uploads) + len(plan.resumed):
            message = "the tree is empty, or no build of this version has looked at it"
            raise MissingError(message, "run `mtsite build` first")

    def _write_root(self, plan: PublishPlan, terms: Terms, summary: PublishSummary) -> bool:
        """Make a generation of what was sent; False if another publisher wrote one meanwhile."""
        _, tag = self._ledger.root()
        generation = next_generation(self._ledger, plan, terms.now, summary.missing_shards)
        self._plan_root(generation, summary)
        for shard in generation.shards:
            self._ledger.begin([shard.ref.path])
            self._destination.put(shard.ref.path, shard.packed, headers_for(shard.ref.path))
        self._destination.flush()
        try:
            tag = self._destination.put(
                ROOT, generation.content, headers_for(ROOT), only_if=tag or ABSENT
            )
        except PreconditionFailed:
            tag = self._own_root_tag(generation)
            if not tag:
                summary.lost_races += 1
                self._refuse_after(summary.lost_races)
                return False
        self._ledger.absorb(generation.root, tag, generation.lines_of)
        self._ledger.forget_sent()
        self._ledger.commit()
        summary.generation = generation.root.generation
        summary.shards += len(generation.shards)
        summary.only_one_is_safe = not self._conditions_kept(generation)
        return True

    def _conditions_kept(self, generation: Generation) -> bool:
        """Whether a put under a condition is refused when it should be; a server is asked once.

        Where it is not, the root that was just written is written again as it is.
        """
        kept = self._known_conditions()
        if kept is None:
            kept = False
            try:
                self._destination.put(ROOT, generation.content, headers_for(ROOT), only_if=ABSENT)
            except PreconditionFailed:
                kept = True
            self._ledger.note_conditions(kept=kept)
        return kept

    def _known_conditions(self) -> bool | None:
        kept = self._destination.keeps_conditions
        return self._ledger.conditions_kept() if kept is None else kept

    def _own_root_tag(self, generation: Generation) -> str:
        """The tag, when a repeated request met the root that it had written itself."""
        found = self._destination.get(ROOT)
        return found.tag if found and found.content == generation.content else ""

    def _refuse_after(self, losses: int) -> None:
        if losses >= LOSSES:
            raise BusyError(
                f"{self._destination.name}: other publishers wrote the manifest first, {losses}"
                " times in a row",
                "publish again when they have finished; what was sent is not sent twice",
            )

    def _needs_root(self, plan: PublishPlan, summary: PublishSummary) -> bool:
        """Whether there is anything to say, of this publish or of one that died."""
        return plan.needs_generation or bool(summary.missing_shards or self._ledger.deleted())

    def _take_over(self, plan: PublishPlan) -> None:
        ours = (*plan.uploads, *plan.resumed, *plan.adopted)
        self._ledger.set_base((file.path, file.digest) for file in ours)
        self._ledger.set_base((path, "") for path in plan.dropped)
        self._ledger.commit()


def _still_holds(settled: Settled, revision: str, terms: Terms) -> bool:
    """Whether a plan would be empty: the same tree, nothing to let go, nothing due."""
    due = 0 < settled.next_due <= terms.now - terms.grace
    asked = terms.dropped_areas or terms.at_once
    return bool(revision) and settled.revision == revision and not asked and not due


def _name(area: str) -> str:
    return urls.name_of(area) or area


def ignore(label: str, done: int, total: int) -> None:
    """Nobody wants to be told."""
    del label, done, total
