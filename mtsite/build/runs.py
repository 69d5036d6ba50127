"""Runs that moved: read, compared with earlier ones, written; newest first, a batch at a time.

Newest first is safe because the facts of a run rest on what the *rows* of earlier runs say: those
are read beforehand (`coming.py`), without logs, where the manifest does not have them. So a run's
record and pages are the same whether its earlier runs have pages already or get them later.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module

from msgspec.structs import replace

from mtsite import record, urls
from mtsite.build import digest
from mtsite.build.coming import note_coming, peek_earlier
from mtsite.build.pen import theme_of
from mtsite.build.plan import BuildPlan, place_of
from mtsite.build.read import ReadTask, RunRead, RunReader
from mtsite.build.related import moved_runs
from mtsite.build.state import BuildState
from mtsite.build.unreadable import keep_files
from mtsite.build.writing import Writing, note_failed
from mtsite.known import text_of
from mtsite.logs.likeness import Alike
from mtsite.manifest import Page
from mtsite.megatest.reader import RunHead

BATCH_RUNS = 64
BATCH_TESTS = 20_000


def write_runs(state: BuildState, plan: BuildPlan) -> None:
    """Bring the pages of planned runs in line with their rows, logs and earlier runs.

    Newest first over all targets, until all are done or the time is up. What is left is noted so
    that the next build goes on with it.
    """
    planned = _newest_first(state, plan)
    note_coming(state, planned)
    state.left, state.unread = set(planned), set(planned)
    state.due = {run_dir for run_dir, why in plan.read.items() if why != "not sealed"}
    if state.due:
        _load_pages(state)
    again: dict[str, RunRead] = {}
    for batch in _batches(state, planned):
        if state.got_on and state.is_over():
            break
        if not _come_by_themselves(batch, plan):
            state.manifest.begin_runs(batch)
            state.commit()
        reads = _read(state, _in_time(state, batch))
        peek_earlier(state, reads)
        state.save_touched()
        writing = Writing(state, reads)
        writing.write()
        again.update(writing.again)
        state.report("runs", len(planned) - len(state.left), len(planned))
    # Whatever the time: what is read is written, or the runs of this build would need another.
    Writing(state, again, last=True).write()
    _write_related(state)
    _leave_rest(state)


def _load_pages(state: BuildState) -> None:
    """Load here what makes pages, once: workers are forked from this process."""
    from mtsite.build.render import KINDS

    theme_of(state.look).load_early(kind.TEMPLATE for kind in KINDS)


def _write_related(state: BuildState) -> None:
    for moved in moved_runs(state):
        for batch in _batches(state, moved):
            state.manifest.begin_runs(batch)
            state.commit()
            Writing(state, _read(state, batch)).write()


def _come_by_themselves(batch: Iterable[str], plan: BuildPlan) -> bool:
    """Whether each build reads these runs anyhow: then they are begun when one is to be written."""
    return all(plan.read[run_dir] == "not sealed" for run_dir in batch)


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
    outcomes = state.engine.map(reader, tasks)
    if state.due:
        # What the build needs next, loaded while the workers read.
        import_module("mtsite.build.around")
    for outcome in outcomes:
        run_dir = urls.run_dir(outcome.task.head.key)
        state.unread.discard(run_dir)
        if outcome.returned is None:
            note_failed(state, run_dir, outcome.error)
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
            elsewhere=(),
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
    manifest.related.note(read.dir, read.summary.key, read.related, read.elsewhere)
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
