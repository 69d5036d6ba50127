"""The second half of a batch: what its runs say beside earlier ones, and which pages are due."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mtsite import urls
from mtsite.build import digest
from mtsite.build.aside import PartTask, RunWritten, WriteTask
from mtsite.build.coming import forget_failed
from mtsite.build.issues import judge_of
from mtsite.build.plan import known_fingerprint, place_of
from mtsite.build.read import WENT_AWAY, RunRead
from mtsite.build.related import links_of, mark_of, note_links
from mtsite.build.seal import LOOK_BACK, VALUES, Outcomes, run_facts, with_comparisons, with_values
from mtsite.build.state import BuildState
from mtsite.build.strange import good_runs
from mtsite.build.suspects import with_suspects
from mtsite.build.unreadable import keep_files
from mtsite.engines.engine import Outcome
from mtsite.logs import likeness
from mtsite.logs.likeness import Alike
from mtsite.manifest import KnownRun
from mtsite.measured import Measured
from mtsite.model import RunFacts, RunKey, RunSummary

if TYPE_CHECKING:
    from mtsite.build.render import RunWriter

FEW_RUNS = 5
"""So many runs may keep one worker busy much longer than the others."""

LEAST_SHARED = 100
"""Workers share the pages of a run that has so many tests."""

COMMIT_RUNS = 16
"""What is noted of so many runs is held in memory at most."""


class Writing:
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
        outcomes = self._begun()
        for done, outcome in enumerate(outcomes, start=1):
            if outcome.returned is None:
                # Its failing lines are known, and the log pages that clusters would lead to aren't.
                state.unwritten.add(outcome.task.dir)
                state.note_clusters(state.manifest.failing.forget(outcome.task.dir))
                note_failed(state, outcome.task.dir, outcome.error)
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

    def _begun(self) -> Iterator[Outcome[WriteTask, RunWritten]]:
        tasks = self._tasks()
        first = list(islice(tasks, 1))
        if not first:
            return iter(())
        # Mostly nothing has moved: what makes pages is loaded for those who need it.
        from mtsite.build.render import RunWriter

        state = self.state
        # Those before the first were found as they were, and stay done.
        state.manifest.begin_runs(self.reads if self._last else self.reads.keys() & state.left)
        state.commit()
        writer = RunWriter(state.site, state.look, self._judge, self._alike)
        few = [*first, *islice(tasks, FEW_RUNS)]
        if len(few) <= FEW_RUNS:
            few = [self._written_ahead(writer, task) for task in few]
        return state.engine.map(writer, chain(few, tasks))

    def _written_ahead(self, writer: "RunWriter", task: WriteTask) -> WriteTask:
        """The same run when workers have shared the pages of its tests: a run alone is one task.

        What they wrote is left alone afterwards, because its fingerprint stands; what could not
        be written is told by then.
        """
        state = self.state
        tests = state.listed.heads[task.dir].tests
        if state.engine.workers == 1 or tests < LEAST_SHARED or len(task.known) >= tests:
            return task
        size = -(-tests // state.engine.workers)
        parts = [PartTask(task, first, first + size) for first in range(0, tests, size)]
        known = dict(task.known)
        for outcome in state.engine.map(writer.write_part, parts):
            if outcome.returned is not None:
                state.note_files(outcome.returned.pages, [], outcome.returned.rendered)
                known.update((page.path, page) for page in outcome.returned.pages)
        return replace(task, known=known)

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
        made_by = state.recipe, likeness.EDITION
        shown = digest.of(read.input, repr(facts), following, *made_by, sealed, home)
        if self._judge.rules or self._alike.rules:
            shown = digest.of(shown, repr(self._judge), repr(self._alike))
        if goods:
            records = sorted(state.manifest.files(map(urls.record_file, goods.values())))
            shown = digest.of(shown, again, records)
        links = links_of(state, read.dir)
        if mark := mark_of(links):
            shown = digest.of(shown, mark)
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
            related=links.runs,
            elsewhere=links.tests,
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


def note_failed(state: BuildState, run_dir: str, error: str) -> None:
    """One line for a run; one for all runs of an area that moved, or vanished, meanwhile."""
    head = state.listed.heads[run_dir]
    if WENT_AWAY in error or not head.database.exists():
        state.went_away[head.home] = state.went_away.get(head.home, 0) + 1
    else:
        state.failed(f"run {run_dir}", error)
    keep_files(state, run_dir)
    forget_failed(state, run_dir)
    state.left.discard(run_dir)
