"""Runs that moved: read, compared with earlier ones, written; a batch of targets at a time."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mtsite import urls
from mtsite.build import digest
from mtsite.build.plan import BuildPlan, known_fingerprint, place_of
from mtsite.build.read import ReadTask, RunRead, RunReader
from mtsite.build.render import RunWriter, RunWritten, WriteTask
from mtsite.build.seal import LOOK_BACK, Outcomes, run_facts
from mtsite.build.state import BuildState
from mtsite.manifest import KnownRun
from mtsite.model import RunFacts

BATCH_RUNS = 64


def write_runs(state: BuildState, plan: BuildPlan) -> None:
    """Bring the pages of every planned run in line with its rows, logs and earlier runs."""
    done = 0
    for batch in _batches(state, list(plan.read)):
        state.manifest.begin_runs(batch)
        state.manifest.commit()
        reads = _read(state, batch)
        state.save_touched()
        _Writing(state, reads).write()
        state.manifest.commit()
        done += len(batch)
        state.report("runs", done, len(plan.read))


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
    )
    places = state.listed.places
    heads = [state.listed.heads[run_dir] for run_dir in batch]
    tasks = [ReadTask(h, places.get(h.key.area) or places.get(h.home)) for h in heads]
    reads: dict[str, RunRead] = {}
    for outcome in state.engine.map(reader, tasks):
        if outcome.returned is None:
            state.failed(f"run {urls.run_dir(outcome.task.head.key)}", outcome.error)
            continue
        reads[outcome.returned.dir] = outcome.returned
        _note_read(state, outcome.returned)
    state.summary.read += len(reads)
    return reads


def _note_read(state: BuildState, read: RunRead) -> None:
    """Outcomes go in at once: the facts of later runs of the target look at them."""
    before = state.known.get(read.dir)
    if before is None or state.manifest.outcomes(read.dir) != read.outcomes:
        state.touch(read.summary.key)
    summary = before.summary if before is not None else read.summary
    state.manifest.note_run(_known(state, read, "", "", summary_from=summary), read.outcomes)
    if read.blobs:
        state.stored = True
        state.manifest.note_blobs(read.blobs)


def _known(
    state: BuildState, read: RunRead, fingerprint: str, input_digest: str, *, summary_from: object
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
        summary=summary_from,  # type: ignore[arg-type]
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
        writer = RunWriter(self.state.site, self.state.look)
        for outcome in self.state.engine.map(writer, self._tasks()):
            if outcome.returned is None:
                self.state.failed(f"run {outcome.task.dir}", outcome.error)
            else:
                self._note_written(self.reads[outcome.task.dir], outcome.returned)

    def _tasks(self) -> Iterator[WriteTask]:
        targets = sorted({(r.summary.key.area, r.summary.key.target) for r in self.reads.values()})
        for area, values in targets:
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
        shown = digest.of(read.input, repr(facts), following, state.recipe, read.sealed or seal)
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
        return run_facts(runname, read.outcomes, earlier, more=len(before) > LOOK_BACK)

    def _outcomes(self, run_dir: str) -> Outcomes:
        """Outcomes of an earlier run; those within reach of the next runs are kept at hand."""
        found = self._recent.get(run_dir)
        if found is None:
            found = self._recent[run_dir] = self.state.manifest.outcomes(run_dir)
            if len(self._recent) > LOOK_BACK + 1:
                self._recent.popitem(last=False)
        return found

    def _settled(self, read: RunRead) -> bool:
        return (
            read.ended and read.activity <= self.state.listed.now - self.state.config.build.settle
        )

    def _note_unmoved(self, old: KnownRun, read: RunRead) -> None:
        head = self.state.listed.heads[read.dir]
        fingerprint = known_fingerprint(head, self.state.looked_at)
        self.state.manifest.note_run(
            replace(old, home=head.home, place=place_of(head), fingerprint=fingerprint), None
        )

    def _note_written(self, read: RunRead, written: RunWritten) -> None:
        state = self.state
        head = state.listed.heads[read.dir]
        old = state.known.get(read.dir)
        if old is None or replace(old.summary, home="") != replace(written.summary, home=""):
            state.touch(head.key)
        known = _known(
            state,
            read,
            known_fingerprint(head, state.looked_at),
            self.inputs[read.dir],
            summary_from=written.summary,
        )
        state.manifest.note_run(replace(known, sealed=written.sealed), None)
        state.summary.sealed += written.sealed and not read.sealed
        state.stored = True
        state.note_files(written.pages, written.removed, written.rendered)
