"""Runs that moved: read, compared with earlier ones, written; a batch of targets at a time."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mtsite import record, urls
from mtsite.build import digest
from mtsite.build.plan import BuildPlan, known_fingerprint, place_of
from mtsite.build.read import ReadTask, RunRead, RunReader
from mtsite.build.render import RunWriter, RunWritten, WriteTask
from mtsite.build.seal import LOOK_BACK, Outcomes, run_facts
from mtsite.build.state import BuildState
from mtsite.build.unreadable import keep_files
from mtsite.manifest import KnownRun, Page
from mtsite.model import RunFacts, RunSummary

BATCH_RUNS = 64
COMMIT_RUNS = 16
"""What is noted of so many runs is held in memory at most."""


def write_runs(state: BuildState, plan: BuildPlan) -> None:
    """Bring the pages of every planned run in line with its rows, logs and earlier runs."""
    done = 0
    for batch in _batches(state, list(plan.read)):
        state.manifest.begin_runs(batch)
        state.commit()
        reads = _read(state, batch)
        state.save_touched()
        _Writing(state, reads).write()
        done += len(batch)
        state.report("runs", done, len(plan.read))


def rehome_runs(state: BuildState, plan: BuildPlan) -> None:
    """Only where their rows lie has changed: records and manifest say so, no page does."""
    for run_dir in plan.rehomed:
        head = state.listed.heads[run_dir]
        try:
            kept = record.load(state.site, head.key)
        except ValueError:
            kept = None
        summary = replace(state.known[run_dir].summary, home=head.home)
        if kept is not None and kept.summary is not None:
            content = record.save(state.site, replace(kept, summary=summary))
            found = digest.of_bytes(content)
            path = urls.record_file(head.key)
            state.note_files([Page(path, found, len(content), found, run_dir)], [], 0)
        state.manifest.rehome(run_dir, summary, head.fingerprint)
    state.commit()


def _batches(state: BuildState, dirs: Sequence[str]) -> Iterator[list[str]]:
    """Whole targets, at least `BATCH_RUNS` runs at a time while there are that many."""
    by_target: dict[object, list[str]] = {}
    for run_dir in dirs:
        key = state.listed.heads[run_dir].key
        by_target.setdefault((key.area, key.target), []).append(run_dir)
    batch: list[str] = []
    for one in by_target.values():
        batch += one
        if len(batch) >= BATCH_RUNS:
            yield batch
            batch = []
    if batch:
        yield batch


def _read(state: BuildState, batch: Sequence[str]) -> dict[str, RunRead]:
    reader = RunReader(
        site=state.site,
        spool=state.spool,
        now=state.listed.now,
        dead_after=state.config.reduce.dead_after,
        log_cap=state.config.build.log_cap,
        redact=state.config.redact,
        logs=state.config.logs,
    )
    places = state.listed.places
    heads = [state.listed.heads[run_dir] for run_dir in batch]
    tasks = [ReadTask(h, places.get(h.key.area) or places.get(h.home)) for h in heads]
    reads: dict[str, RunRead] = {}
    for outcome in state.engine.map(reader, tasks):
        if outcome.returned is None:
            run_dir = urls.run_dir(outcome.task.head.key)
            state.failed(f"run {run_dir}", outcome.error)
            keep_files(state, run_dir)
            continue
        _note_read(state, outcome.returned)
        # The manifest has them now: those of a target's thousand runs would fill the memory.
        reads[outcome.returned.dir] = replace(outcome.returned, outcomes={}, blobs=[])
    state.summary.read += len(reads)
    return reads


def _note_read(state: BuildState, read: RunRead) -> None:
    """Outcomes go in at once: the facts of later runs of the target look at them."""
    before = state.known.get(read.dir)
    if before is None or state.manifest.outcomes(read.dir) != read.outcomes:
        state.touch(read.summary.key)
    summary = before.summary if before is not None else read.summary
    state.manifest.note_run(_known(state, read, "", "", summary=summary), read.outcomes)
    if read.blobs:
        state.stored = True
        state.manifest.note_blobs(read.blobs)


def _known(
    state: BuildState, read: RunRead, fingerprint: str, input_digest: str, *, summary: RunSummary
) -> KnownRun:
    head = state.listed.heads[read.dir]
    return KnownRun(
        dir=read.dir,
        key=head.key,
        home=head.home,
        place=place_of(head),
        fingerprint=fingerprint,
        sealed=False,
        input=input_digest,
        gone=False,
        summary=summary,
    )


class _Writing:
    """The second half of a batch: facts in the parent, pages in the workers."""

    def __init__(self, state: BuildState, reads: Mapping[str, RunRead]) -> None:
        self.state = state
        self.reads = reads
        self.inputs: dict[str, str] = {}
        self._recent: OrderedDict[str, Outcomes] = OrderedDict()

    def write(self) -> None:
        """Write what differs; note the rest as it stands."""
        state = self.state
        writer = RunWriter(state.site, state.look)
        for done, outcome in enumerate(state.engine.map(writer, self._tasks()), start=1):
            if outcome.returned is None:
                state.failed(f"run {outcome.task.dir}", outcome.error)
                keep_files(state, outcome.task.dir)
            else:
                self._note_written(self.reads[outcome.task.dir], outcome.returned)
            if done % COMMIT_RUNS == 0:
                state.save_touched()
        # What was written and what it touched go together: a kill from here on forgets neither.
        state.save_touched()

    def _tasks(self) -> Iterator[WriteTask]:
        targets = sorted({(r.summary.key.area, r.summary.key.target) for r in self.reads.values()})
        for area, values in targets:
            self._recent.clear()
            order = self.state.manifest.target_runs(area, values)
            for position, (_, _, run_dir) in enumerate(order):
                if run_dir in self.reads:
                    following = order[position + 1][1] if position + 1 < len(order) else ""
                    yield from self._task(self.reads[run_dir], order[: position + 1], following)

    def _task(
        self, read: RunRead, order: Sequence[tuple[int, str, str]], following: str
    ) -> Iterator[WriteTask]:
        state = self.state
        facts = None if read.sealed else self._facts(read, order)
        seal = facts is not None and self._settled(read)
        sealed = read.sealed or seal
        home = state.listed.heads[read.dir].home
        shown = digest.of(read.input, repr(facts), following, state.recipe, sealed, home)
        self.inputs[read.dir] = shown
        old = state.known.get(read.dir)
        trusted = old is not None and bool(old.fingerprint)
        if old is not None and trusted and old.input == shown:
            read.spool.unlink(missing_ok=True)
            self._note_unmoved(old, read)
            return
        yield WriteTask(
            dir=read.dir,
            spool=read.spool,
            facts=facts,
            seal=seal,
            next_run=following,
            known=state.pages_of(read.dir, trusted=trusted),
        )

    def _facts(self, read: RunRead, order: Sequence[tuple[int, str, str]]) -> RunFacts:
        *before, (_, runname, _) = order
        earlier = [(name, self._outcomes(run_dir)) for _, name, run_dir in before[-LOOK_BACK:]]
        outcomes = self._outcomes(read.dir)
        return run_facts(runname, outcomes, earlier, more=len(before) > LOOK_BACK)

    def _outcomes(self, run_dir: str) -> Outcomes:
        """Outcomes of an earlier run; those within reach of the next runs are kept at hand."""
        found = self._recent.get(run_dir)
        if found is None:
            found = self._recent[run_dir] = self.state.manifest.outcomes(run_dir)
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
        self.state.manifest.note_run(known, None)

    def _note_written(self, read: RunRead, written: RunWritten) -> None:
        state = self.state
        head = state.listed.heads[read.dir]
        old = state.known.get(read.dir)
        if old is None or replace(old.summary, home="") != replace(written.summary, home=""):
            state.touch(head.key)
        known = _known(
            state,
            read,
            self._fingerprint(read),
            self.inputs[read.dir],
            summary=written.summary,
        )
        state.manifest.note_run(replace(known, sealed=written.sealed), None)
        state.summary.sealed += written.sealed and not read.sealed
        state.note_files(written.pages, written.removed, written.rendered)
