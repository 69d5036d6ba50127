"""Runs that moved: read, compared with earlier ones, written; newest first, a batch at a time.

Newest first is safe because the facts of a run rest on what the *rows* of earlier runs say: those
are read beforehand (`coming.py`), without logs, where the manifest does not have them. So a run's
record and pages are the same whether its earlier runs have pages already or get them later.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mtsite import record, urls
from mtsite.build import digest
from mtsite.build.coming import forget_failed, note_coming, peek_earlier
from mtsite.build.issues import judge_of
from mtsite.build.plan import BuildPlan, known_fingerprint, place_of
from mtsite.build.read import WENT_AWAY, ReadTask, RunRead, RunReader
from mtsite.build.related import links_of, mark_of, moved_runs, note_links
from mtsite.build.render import RunWriter, RunWritten, WriteTask
from mtsite.build.seal import LOOK_BACK, VALUES, Outcomes, run_facts, with_comparisons, with_values
from mtsite.build.state import BuildState
from mtsite.build.strange import good_runs
from mtsite.build.suspects import with_suspects
from mtsite.build.unreadable import keep_files
from mtsite.known import text_of
from mtsite.logs.likeness import Alike
from mtsite.manifest import KnownRun, Page
from mtsite.measured import Measured
from mtsite.megatest.reader import RunHead
from mtsite.model import RunFacts, RunKey, RunSummary

BATCH_RUNS = 64
BATCH_TESTS = 20_000
COMMIT_RUNS = 16
"""What is noted of so many runs is held in memory at most."""


def write_runs(state: BuildState, plan: BuildPlan) -> None:
    """Bring the pages of planned runs in line with their rows, logs and earlier runs.

    Newest first over all targets, until all are done or the time is up. What is left is noted so
    that the next build goes on with it.
    """
    planned = _newest_first(state, plan)
    note_coming(state, planned)
    state.left, state.unread = set(planned), set(planned)
    state.due = {run_dir for run_dir, why in plan.read.items() if why != "not sealed"}
    again: dict[str, RunRead] = {}
    for batch in _batches(state, planned):
        if state.got_on and state.is_over():
            break
        state.manifest.begin_runs(batch)
        state.commit()
        reads = _read(state, _in_time(state, batch))
        peek_earlier(state, reads)
        state.save_touched()
        writing = _Writing(state, reads)
        writing.write()
        again.update(writing.again)
        state.report("runs", len(planned) - len(state.left), len(planned))
    # Whatever the time: what is read is written, or the runs of this build would need another.
    _Writing(state, again, last=True).write()
    _write_related(state)
    _leave_rest(state)


def _write_related(state: BuildState) -> None:
    for moved in moved_runs(state):
        for batch in _batches(state, moved):
            state.manifest.begin_runs(batch)
            state.commit()
            _Writing(state, _read(state, batch)).write()


def _newest_first(state: BuildState, plan: BuildPlan) -> list[str]:
    heads = state.listed.heads

    def age(run_dir: str) -> tuple[int, str, str]:
        return place_of(heads[run_dir]), heads[run_dir].key.runname, run_dir

    return sorted(plan.read, key=age, reverse=True)


def _batches(state: BuildState, planned: Sequence[str]) -> Iterator[list[str]]:
    """What is read is written, too, when the time is up: so much at a time that it won't last."""
    batch: list[str] = []
    tests = 0
    for run_dir in planned:
        batch.append(run_dir)
        tests += state.listed.heads[run_dir].tests
        if len(batch) >= BATCH_RUNS or tests >= BATCH_TESTS:
            yield batch
            batch, tests = [], 0
    if batch:
        yield batch


def _in_time(state: BuildState, batch: Iterable[str]) -> Iterator[str]:
    """The runs that there is time to begin; always one that no build has finished yet.

    A run in flight is due at every build: it must not keep all others waiting for ever.
    """
    for run_dir in batch:
        if state.got_on and state.is_over():
            return
        state.got_on = state.got_on or not state.due or run_dir in state.due
        yield run_dir


def _leave_rest(state: BuildState) -> None:
    """Runs that are not done keep the pages they have, and are due at the next build."""
    rest = state.left | state.skipped
    state.manifest.begin_runs(rest)
    for run_dir in sorted(rest):
        keep_files(state, run_dir)
    state.commit()


def rehome_runs(state: BuildState, plan: BuildPlan) -> None:
    """Only where their rows lie has changed: records and manifest say so, no page does."""
    for run_dir in plan.rehomed:
        head = state.listed.heads[run_dir]
        try:
            kept = record.load(state.site, head.key)
        except ValueError:
            kept = None
        summary = replace(state.manifest.summary(run_dir), home=head.home)
        if kept is not None and kept.summary is not None:
            content = record.save(state.site, replace(kept, summary=summary))
            found = digest.of_bytes(content)
            path = urls.record_file(head.key)
            state.note_files([Page(path, found, len(content), found, run_dir)], [], 0)
        state.manifest.rehome(run_dir, summary, head.fingerprint)
    state.commit()


def _read(state: BuildState, batch: Iterable[str]) -> dict[str, RunRead]:
    reader = RunReader(
        site=state.site,
        spool=state.spool,
        now=state.listed.now,
        dead_after=state.config.reduce.dead_after,
        log_cap=state.config.build.log_cap,
        redact=state.config.redact,
        logs=state.config.logs,
        alike=Alike(state.config.clusters.rules),
        attachments=state.config.attachments,
    )
    heads = (state.listed.heads[run_dir] for run_dir in batch)
    tasks = (_read_task(state, head) for head in heads)
    reads: dict[str, RunRead] = {}
    for outcome in state.engine.map(reader, tasks):
        run_dir = urls.run_dir(outcome.task.head.key)
        state.unread.discard(run_dir)
        if outcome.returned is None:
            _note_failed(state, run_dir, outcome.error)
            continue
        _note_read(state, outcome.returned)
        state.told(outcome.returned.faults)
        # The manifest has them now: those of a target's thousand runs would fill the memory.
        reads[run_dir] = replace(
            outcome.returned,
            outcomes={},
            reasons={},
            failing=(),
            measured={},
            blobs=[],
            hosts=[],
        )
    state.summary.read += len(reads)
    return reads


def _read_task(state: BuildState, head: RunHead) -> ReadTask:
    places = state.listed.places
    place = places.get(head.key.area) or places.get(head.home)
    settings = state.config.areas.get(head.key.area)
    former = settings.aliases if settings else ()
    if place is None:
        return ReadTask(head, place, former=former)
    home = state.config.areas.get(head.home) or settings
    attach = (home.attachments if home else ()) or state.config.attachments.include
    there = state.there.get(place.path)
    if there is None:
        wanted = filter(None, (place.path, place.linktree))
        there = state.there[place.path] = tuple(path for path in wanted if path.is_dir())
    return ReadTask(head, place, there, former, attach)


def _note_read(state: BuildState, read: RunRead) -> None:
    """Outcomes go in at once: the facts of later runs of the target look at them."""
    manifest = state.manifest
    for rule, count in read.masked.items():
        state.summary.masked[rule] = state.summary.masked.get(rule, 0) + count
    before = (manifest.outcomes(read.dir), manifest.reasons(read.dir))
    if read.dir not in state.known or before != (read.outcomes, read.reasons):
        state.touch(read.summary.key)
        manifest.pushes.touch(read.dir)
    place = place_of(state.listed.heads[read.dir])
    manifest.pushes.note(read.dir, read.summary.key, place, read.provenance)
    manifest.note_outcomes(read.dir, place, read.outcomes)
    manifest.note_reasons(read.dir, read.reasons)
    manifest.related.note(read.dir, read.summary.key, read.related)
    moved = manifest.measured.note(read.dir, read.measured)
    if manifest.owners.note(read.dir, read.owners) or moved:
        state.touch(read.summary.key)
    _note_hosts(state, read)
    state.note_clusters(manifest.failing.note(read.dir, read.summary.key, place, read.failing))
    if read.blobs:
        state.stored = True
        state.manifest.note_blobs(read.blobs)


def _note_hosts(state: BuildState, read: RunRead) -> None:
    key = read.summary.key
    place = (text_of(key.area), json.dumps(key.target), place_of(state.listed.heads[read.dir]))
    state.manifest.hosts.note(read.dir, place, read.hosts)


def _note_failed(state: BuildState, run_dir: str, error: str) -> None:
    """One line for a run; one for all runs of an area that moved, or vanished, meanwhile."""
    head = state.listed.heads[run_dir]
    if WENT_AWAY in error or not head.database.exists():
        state.went_away[head.home] = state.went_away.get(head.home, 0) + 1
    else:
        state.failed(f"run {run_dir}", error)
    keep_files(state, run_dir)
    forget_failed(state, run_dir)
    state.left.discard(run_dir)


class _Writing:
    """The second half of a batch: facts in the parent, pages in the workers.

    A run of which a log is to be compared with that of a run still to come is not sealed: it is
    in `again`, and written once more when all runs are there (`last`).
    """

    def __init__(
        self, state: BuildState, reads: Mapping[str, RunRead], *, last: bool = False
    ) -> None:
        self.state = state
        self.reads = reads
        self.again: dict[str, RunRead] = {}
        self._last = last
        self._judge = judge_of(state)
        self._alike = Alike(state.config.clusters.rules)
        self.inputs: dict[str, str] = {}
        self._recent: OrderedDict[str, Outcomes] = OrderedDict()
        self._values: dict[str, Measured] = {}

    def write(self) -> None:
        """Write what differs; note the rest as it stands."""
        state = self.state
        writer = RunWriter(state.site, state.look, self._judge, self._alike)
        for done, outcome in enumerate(state.engine.map(writer, self._tasks()), start=1):
            if outcome.returned is None:
                # Its failing lines are known, and the log pages that clusters would lead to aren't.
                state.unwritten.add(outcome.task.dir)
                state.note_clusters(state.manifest.failing.forget(outcome.task.dir))
                _note_failed(state, outcome.task.dir, outcome.error)
            else:
                self._note_written(self.reads[outcome.task.dir], outcome.returned)
                note_links(state, outcome.task)
            if done % COMMIT_RUNS == 0:
                state.save_touched()
        # What was written and what it touched go together: a kill from here on forgets neither.
        state.save_touched()
        for run_dir in self.reads.keys() - self.again.keys():
            # Not before: others of the batch may still compare their logs with its.
            self.reads[run_dir].spool.unlink(missing_ok=True)

    def _tasks(self) -> Iterator[WriteTask]:
        targets = sorted({(r.summary.key.area, r.summary.key.target) for r in self.reads.values()})
        for area, values in targets:
            self._recent.clear()
            order = self.state.manifest.target_runs(area, values, coming=True)
            for position in range(len(order) - 1, -1, -1):
                run_dir = order[position][2]
                if run_dir in self.reads:
                    following = order[position + 1][1] if position + 1 < len(order) else ""
                    yield from self._task(self.reads[run_dir], order[: position + 1], following)

    def _task(
        self, read: RunRead, order: Sequence[tuple[int, str, str]], following: str
    ) -> Iterator[WriteTask]:
        state = self.state
        facts = None if read.sealed else self._facts(read, order)
        goods = self._goods(read, facts)
        unwritten = frozenset() if self._last else state.left & goods.keys()
        again = not unwritten <= self.reads.keys()
        if again:
            self.again[read.dir] = read
        seal = facts is not None and not again and self._settled(read)
        sealed = read.sealed or seal
        home = state.listed.heads[read.dir].home
        shown = digest.of(read.input, repr(facts), following, state.recipe, sealed, home)
        if self._judge.rules or self._alike.rules:
            shown = digest.of(shown, repr(self._judge), repr(self._alike))
        if goods:
            records = sorted(state.manifest.files(map(urls.record_file, goods.values())))
            shown = digest.of(shown, again, records)
        links = links_of(state, read.dir)
        if links:
            shown = digest.of(shown, mark_of(links))
        self.inputs[read.dir] = shown
        old = state.known.get(read.dir)
        trusted = self._last or (old is not None and bool(old.fingerprint))
        if old is not None and trusted and old.input == shown and not self._last:
            self._note_unmoved(old, read)
            return
        yield WriteTask(
            dir=read.dir,
            spool=read.spool,
            facts=facts,
            seal=seal,
            next_run=following,
            related=links,
            again=again,
            known=state.pages_of(read.dir, trusted=trusted),
            goods={goods[one].runname: self.reads[one].spool for one in unwritten if not again},
        )

    def _goods(self, read: RunRead, facts: RunFacts | None) -> dict[str, RunKey]:
        """The runs whose logs those of this one are compared with, by directory."""
        keys = good_runs(facts, read.summary.key) if facts is not None else ()
        return {urls.run_dir(key): key for key in keys}

    def _facts(self, read: RunRead, order: Sequence[tuple[int, str, str]]) -> RunFacts:
        *before, (_, runname, _) = order
        earlier = [(name, self._outcomes(run_dir)) for _, name, run_dir in before[-LOOK_BACK:]]
        outcomes = self._outcomes(read.dir)
        facts = run_facts(runname, outcomes, earlier, more=len(before) > LOOK_BACK)
        now = self._measured(read.dir)
        if now:
            near = [self._measured(run_dir) for _, _, run_dir in before[-(VALUES - 1) :]]
            facts = with_values(facts, now, near)
        dirs = {name: run_dir for _, name, run_dir in before[-LOOK_BACK:]}

        def earlier_run(name: str) -> tuple[Outcomes, Measured]:
            run_dir = dirs[name]
            return self._outcomes(run_dir), self._measured(run_dir) if now else {}

        facts = with_comparisons(facts, (outcomes, now), earlier_run)
        dirs[runname] = read.dir
        return with_suspects(facts, runname, dirs, self.state.manifest.pushes)

    def _measured(self, run_dir: str) -> Measured:
        """What the tests of a run measured; near ones are asked for again at once."""
        found = self._values.get(run_dir)
        if found is None:
            found = self._values[run_dir] = self.state.manifest.measured.of_run(run_dir)
            while len(self._values) > 2 * VALUES:
                del self._values[next(iter(self._values))]
        return found

    def _outcomes(self, run_dir: str) -> Outcomes:
        """Outcomes of an earlier run; those within reach of the next runs are kept at hand."""
        found = self._recent.pop(run_dir, None)
        if found is None:
            found = self.state.manifest.outcomes(run_dir)
        self._recent[run_dir] = found
        if len(self._recent) > LOOK_BACK + 1:
            self._recent.popitem(last=False)
        return found

    def _settled(self, read: RunRead) -> bool:
        settled_before = self.state.listed.now - self.state.config.build.settle
        return read.ended and read.as_listed and read.activity <= settled_before

    def _fingerprint(self, read: RunRead) -> str:
        head = self.state.listed.heads[read.dir]
        return known_fingerprint(head, self.state.looked_at, as_listed=read.as_listed)

    def _note_unmoved(self, old: KnownRun, read: RunRead) -> None:
        place = place_of(self.state.listed.heads[read.dir])
        known = replace(old, place=place, fingerprint=self._fingerprint(read))
        self.state.manifest.note_unmoved(known)
        self.state.left.discard(read.dir)

    def _note_written(self, read: RunRead, written: RunWritten) -> None:
        state = self.state
        head = state.listed.heads[read.dir]
        if read.dir not in state.known or not _equal_but_home(
            state.manifest.summary(read.dir), written.summary
        ):
            state.touch(head.key)
            state.manifest.pushes.touch(read.dir)
        known = KnownRun(
            dir=read.dir,
            key=head.key,
            home=head.home,
            place=place_of(head),
            fingerprint=self._fingerprint(read),
            sealed=written.sealed,
            input=self.inputs[read.dir],
            let_go=tuple(one.what for one in written.summary.let_go),
        )
        state.manifest.note_run(known, written.summary, None)
        annotated = state.manifest.annotated
        news = annotated.note(read.dir, head.key, place_of(head), written.annotated)
        state.annotated = state.annotated or news
        state.summary.sealed += written.sealed and not read.sealed
        state.note_files(written.pages, written.removed, written.rendered)
        state.left.discard(read.dir)


def _equal_but_home(one: RunSummary, other: RunSummary) -> bool:
    return replace(one, home="") == replace(other, home="")
