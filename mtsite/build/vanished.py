"""Runs whose rows are no more: their addresses go on answering with what remains."""

from collections.abc import Iterator

from msgspec.structs import replace

from mtsite import record, urls
from mtsite.build.aside import RunWritten, WriteTask
from mtsite.build.plan import BuildPlan
from mtsite.build.state import BuildState
from mtsite.build.unreadable import keep_files
from mtsite.manifest import KnownRun, Outcomes
from mtsite.megatest.reader import RunHead
from mtsite.model import RunKey, RunRecord, RunSummary, State, Status
from mtsite.rollup import Verdict


def write_gone(state: BuildState, plan: BuildPlan) -> None:
    """Small pages for every planned run that is gone."""
    if not plan.gone:
        return
    # Seldom a run goes: the makers of its pages are loaded for it alone.
    from mtsite.build.render import RunWriter

    state.manifest.begin_runs(plan.gone)
    state.commit()
    writer = RunWriter(state.site, state.look)
    for outcome in state.engine.map(writer, _tasks(state, plan)):
        remains = outcome.task.gone
        if outcome.returned is None or remains is None:
            state.failed(f"run {outcome.task.dir}", outcome.error)
            keep_files(state, outcome.task.dir)
        else:
            _note(state, remains, outcome.returned)
    state.summary.gone = len(plan.lost)
    state.commit()


def _tasks(state: BuildState, plan: BuildPlan) -> Iterator[WriteTask]:
    """One by one: the records of all runs that ever went would not fit into memory."""
    for run_dir, reason in sorted(plan.gone.items()):
        kept = _record_of(state, run_dir, reason)
        old = state.known.get(run_dir)
        trusted = old is not None and bool(old.fingerprint)
        known = state.pages_of(run_dir, trusted=trusted)
        yield WriteTask(run_dir, gone=kept, known=known)


def remaining_outcomes(kept: RunRecord) -> Outcomes:
    """Verdicts and durations that a record remembers, for the histories of its tests."""
    return {name: (t.verdict, t.duration) for name, t in kept.tests.items() if not t.gone}


def known_from(kept: RunRecord, summary: RunSummary, fingerprint: str) -> KnownRun:
    """What the manifest can say of a run from its record alone."""
    return KnownRun(
        dir=urls.run_dir(kept.key),
        key=kept.key,
        home=summary.home,
        place=summary.event_time or 0,
        fingerprint=fingerprint,
        sealed=bool(kept.sealed),
        input="",
        gone=kept.gone,
        let_go=tuple(one.what for one in summary.let_go),
    )


def _note(state: BuildState, kept: RunRecord, written: RunWritten) -> None:
    known = known_from(kept, written.summary, "gone")
    state.manifest.note_run(known, written.summary, remaining_outcomes(kept))
    state.manifest.related.note(known.dir, kept.key, ())
    state.manifest.related.touch(known.dir)
    state.note_files(written.pages, written.removed, written.rendered)


def _record_of(state: BuildState, run_dir: str, reason: str) -> RunRecord:
    head = state.listed.heads.get(run_dir)
    old = state.known.get(run_dir)
    key = old.key if old is not None else None
    if key is None:
        assert head is not None, "a run that is gone was known, or its mark was found"
        key = head.key
    try:
        kept = record.load(state.site, key)
    except ValueError:
        kept = None
    if kept is None:
        kept = RunRecord(key, head.keys if head is not None else ())
    summary = kept.summary or summary_of_head(key, head)
    return replace(kept, gone=reason, summary=replace(summary, gone=reason))


def summary_of_head(key: RunKey, head: RunHead | None) -> RunSummary:
    """A run as its row alone tells it."""
    return RunSummary(
        key=key,
        event_time=head.event_time if head else None,
        end_time=None,
        owner=head.owner if head else "",
        comment=head.comment if head else "",
        contour=head.contour if head else "",
        state=State(head.state) if head else State(""),
        status=Status(head.status) if head else Status(""),
        counts={},
        verdict=Verdict.NOT_RUN.value,
        home=head.home if head else key.area,
    )
