"""Runs that have rows and no pages yet, while a first build works its way back in time.

Facts of a run look at up to 100 earlier ones, and its pages link to them. So before a run is
written the *rows* of those earlier runs are read (a small part of what their pages cost), and
where the build has to stop, the addresses of theirs that finished pages link to get a page that
says: still to come. The tree is whole at every stop, and no finished page has to be made again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import rollup, urls
from mtsite.build.masked import masked_attributes, redactor_of
from mtsite.build.pen import Look, Pen
from mtsite.build.plan import gone_reason, place_of
from mtsite.build.read import RunRead, measured_in, outcomes_of
from mtsite.build.seal import LOOK_BACK, STRIP, Outcomes
from mtsite.build.state import BuildState
from mtsite.build.vanished import summary_of_head
from mtsite.config import RedactConfig
from mtsite.manifest import KnownRun, Page
from mtsite.measured import Measured
from mtsite.megatest import database, reader
from mtsite.megatest.reader import RunHead
from mtsite.model import RunKey, RunSummary, TestName
from mtsite.provenance import Provenance, provenance_of
from mtsite.rollup import Verdict

COMMIT_RUNS = 64
_RAN_WELL = frozenset(verdict.value for verdict in rollup.GOOD - {Verdict.SKIP})


def note_coming(state: BuildState, planned: Iterable[str]) -> None:
    """Every planned run without pages is known as coming; those that went meanwhile are not."""
    heads = state.listed.heads
    stale = [
        (RunKey(area, target, ""), run_dir)
        for area, target, run_dir, home in state.manifest.coming()
        if (head := heads.get(run_dir)) is None or gone_reason(head)
        if head is not None or home not in state.listed.unreadable
    ]
    for key, run_dir in stale:
        paths = list(state.manifest.owned(run_dir))
        for path in paths:
            (state.site / path).unlink(missing_ok=True)
        state.note_files([], paths, 0)
        state.touch(key)
    state.manifest.forget_coming(run_dir for _, run_dir in stale)
    state.manifest.note_coming(
        _as_coming(run_dir, heads[run_dir]) for run_dir in planned if run_dir not in state.known
    )
    state.save_touched()


def _as_coming(run_dir: str, head: RunHead) -> tuple[KnownRun, RunSummary]:
    known = KnownRun(run_dir, head.key, head.home, place_of(head), "", sealed=False, input="")
    return known, summary_of_head(head.key, head)


def forget_failed(state: BuildState, run_dir: str) -> None:
    """A run that can't be read is not coming, unless finished pages may link to it."""
    manifest = state.manifest
    linked = manifest.outcomes(run_dir) or manifest.owned(run_dir)
    if run_dir not in state.known and not linked:
        manifest.forget_coming([run_dir])


class OutcomeReader(Struct, frozen=True):
    """The work on a run of which only its outcomes are asked; `now` as in `RunReader`."""

    now: int
    dead_after: int
    redact: RedactConfig

    def __call__(self, head: RunHead) -> tuple[Outcomes, Measured, Provenance]:
        """Read the rows of a run: its outcomes, what its tests measured, what it was made from.

        Raises:
            MtsiteError: the database can't be read.
        """
        # Steps and data decide no verdict: those in run directories would cost most of the time.
        rows_only = replace(head, rundirs=None)
        with database.reading(head.database) as connection:
            run = reader.read_run(connection, rows_only)
        verdicts = rollup.test_verdicts(run, self.now, self.dead_after)
        attributes = masked_attributes(run.attributes, redactor_of(self.redact))
        return outcomes_of(run, verdicts), measured_in(head, run), provenance_of(attributes)


def peek_earlier(state: BuildState, reads: Mapping[str, RunRead]) -> None:
    """Know the outcomes of all runs that the facts of these look back at.

    A run whose outcomes can't be had now is missing in those facts, as it is if its own turn fails.
    """
    config = state.config
    work = OutcomeReader(state.listed.now, config.reduce.dead_after, config.redact)
    heads = (state.listed.heads[run_dir] for run_dir in _earlier_unread(state, reads))
    for done, outcome in enumerate(state.engine.map(work, heads), start=1):
        head = outcome.task
        run_dir = urls.run_dir(head.key)
        state.unread.discard(run_dir)
        if outcome.returned is not None:
            outcomes, measured, provenance = outcome.returned
            state.manifest.pushes.note(run_dir, head.key, place_of(head), provenance)
            if run_dir in state.known and state.manifest.outcomes(run_dir) != outcomes:
                state.touch(head.key)
            state.manifest.note_outcomes(run_dir, place_of(head), dict(outcomes))
            if state.manifest.measured.note(run_dir, measured) and run_dir in state.known:
                state.touch(head.key)
        if done % COMMIT_RUNS == 0:
            state.save_touched()


def _earlier_unread(state: BuildState, reads: Mapping[str, RunRead]) -> list[str]:
    found: list[str] = []
    targets = {(r.summary.key.area, r.summary.key.target) for r in reads.values() if not r.sealed}
    for area, values in sorted(targets):
        order = state.manifest.target_runs(area, values, coming=True)
        reach = -1
        for position in range(len(order) - 1, -1, -1):
            run_dir = order[position][2]
            if run_dir in reads:
                reach = max(0, position - LOOK_BACK)
            elif position >= reach >= 0 and run_dir in state.unread and not _stands(state, run_dir):
                found.append(run_dir)
    return found


def _stands(state: BuildState, run_dir: str) -> bool:
    """Whether the manifest has the outcomes of the rows as they are now."""
    known = state.known.get(run_dir)
    head = state.listed.heads[run_dir]
    return known is not None and bool(known.fingerprint) and known.fingerprint == head.fingerprint


class ComingTask(Struct, frozen=True):
    """A run that finished pages link to: itself, and the pages of its tests in `names`.

    `failed`: it could not be written this time. `has_page`: it could at another time.
    """

    key: RunKey
    keys: tuple[str, ...]
    names: tuple[TestName, ...]
    known: Mapping[str, Page] = field(default_factory=dict)
    failed: bool = False
    has_page: bool = False


class ComingWriter(Struct, frozen=True):
    """The work on a `ComingTask`."""

    site: Path
    look: Look

    def __call__(self, task: ComingTask) -> tuple[list[Page], int]:
        """Write the pages that are not there; what they are, and how many were rendered."""
        from mtsite.pages import coming

        pen = Pen(self.site, self.look, urls.run_dir(task.key), task.known)
        paths = [urls.test_page(task.key, name) for name in task.names]
        for path in paths if task.has_page else (*paths, urls.run_page(task.key)):
            fingerprint = pen.fresh(coming, path, repr(task.key), task.keys, task.failed)
            if fingerprint:
                where = (task.key, task.keys, path)
                context = coming.context(pen.frame, *where, failed=task.failed)
                pen.page(coming, path, fingerprint, context)
        return pen.changed, pen.rendered


def write_coming(state: BuildState) -> None:
    """Answer at the addresses of coming runs that pages of others link to."""
    writer = ComingWriter(state.site, state.look)
    tasks = chain(_coming_tasks(state), _failed_tasks(state))
    for done, outcome in enumerate(state.engine.map(writer, tasks), start=1):
        if outcome.returned is None:
            state.failed(f"run {urls.run_dir(outcome.task.key)}", outcome.error)
        else:
            pages, rendered = outcome.returned
            state.note_files(pages, [], rendered)
        if done % COMMIT_RUNS == 0:
            state.commit()
    state.commit()


def _coming_tasks(state: BuildState) -> Iterator[ComingTask]:
    by_target: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for area, target, run_dir, _ in state.manifest.coming():
        by_target.setdefault((area, target), set()).add(run_dir)
        state.summary.coming += 1
    for (area, target), dirs in sorted(by_target.items()):
        order = state.manifest.target_runs(area, target, coming=True)
        for position, names in _linked(order, dirs, state.manifest.outcomes):
            _, runname, run_dir = order[position]
            head = state.listed.heads.get(run_dir)
            if head is not None:
                key = RunKey(area, target, runname)
                known = state.pages_of(run_dir, trusted=not state.interrupted)
                failed = run_dir in state.unwritten
                yield ComingTask(key, head.keys, names, known, failed=failed)


def _failed_tasks(state: BuildState) -> Iterator[ComingTask]:
    """What a known run lacks because it could not be written: pages of others tell of it."""
    for run_dir in sorted(state.unwritten & state.known.keys()):
        head = state.listed.heads[run_dir]
        names = tuple(
            name
            for name in state.manifest.outcomes(run_dir)
            if not (state.site / urls.test_page(head.key, name)).exists()
        )
        known = state.manifest.owned(run_dir)
        yield ComingTask(head.key, head.keys, names, known, failed=True, has_page=True)


def _linked(
    order: Sequence[tuple[int, str, str]], dirs: set[str], outcomes: Callable[[str], Outcomes]
) -> Iterator[tuple[int, tuple[TestName, ...]]]:
    """Which coming runs finished pages may link to, and which of their tests; rather too many.

    A strip links to every test of the 29 runs before its own. What goes wrong links further back:
    to where it began, and to the last run where it was good.
    """
    distance, good, ended = LOOK_BACK, set[TestName](), False
    for position in range(len(order) - 1, -1, -1):
        run_dir = order[position][2]
        if run_dir not in dirs:
            distance, good, ended = 0, set(), False
            continue
        distance += 1
        if distance <= LOOK_BACK:
            had = outcomes(run_dir)
            near = distance < STRIP or not ended
            yield position, tuple(name for name in had if near or name not in good)
            good |= {name for name, (letter, _) in had.items() if letter in _RAN_WELL}
            ended = ended or (bool(had) and all(v != Verdict.RUNNING for v, _ in had.values()))
        elif position and order[position - 1][2] not in dirs:
            yield position, ()  # the run page before it names it as the next
