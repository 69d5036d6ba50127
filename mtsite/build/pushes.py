"""The pages of pushes and builds: a new run changes those of its push, of its builds, and lists.

    pushlogs that changed → which runs are of which push → what is due → pages, a task each

A page lies where a run says that its push is; a revision that is not the last one of its push,
or is cut, leads to the page of the push.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import comparison, urls
from mtsite.build import unreadable
from mtsite.build.pen import Look, Pen, json_bytes
from mtsite.build.state import BuildState
from mtsite.manifest import Manifest, Page
from mtsite.pages import build, push, pushes, pushtwin, redirect, repositories
from mtsite.pages.marks import short
from mtsite.provenance import Commit, Push
from mtsite.pushruns import BUILD, INDEX, PART, PUSH, PushRun
from mtsite.rollup import BAD, GOOD
from mtsite.toldpushes import AT_ONCE, MOST_BETWEEN, PushPlace

OWNER = "pushes"
_BAD = frozenset(verdict.value for verdict in BAD)
_GOOD = frozenset(verdict.value for verdict in GOOD)
Lead = tuple[str, str]
"""Where an address leads, and what is there."""

_KINDS: Mapping[type, tuple[ModuleType, Callable[[Any], dict[str, object]]]] = {
    push.Shown: (push, pushtwin.of_push),
    pushes.Shown: (pushes, pushtwin.of_list),
    build.Shown: (build, pushtwin.of_build),
}
Shown = push.Shown | pushes.Shown | build.Shown | Lead


class PushTask(Struct, frozen=True):
    """One page that is due; nothing to show: there is none any more."""

    due: tuple[str, str, str]
    path: str
    shown: Shown | None
    known: Mapping[str, Page] = field(default_factory=dict)


class PushWriter(Struct, frozen=True):
    """The work on a `PushTask`."""

    site: Path
    look: Look

    def __call__(self, task: PushTask) -> tuple[list[Page], list[str], int]:
        """Write a page with its twin: files that changed, that went, how many were rendered."""
        pen = Pen(self.site, self.look, owner_of(task.path), task.known)
        if task.shown is not None:
            _write(pen, task.path, task.shown)
        return pen.changed, pen.remove_rest(), pen.rendered


def owner_of(path: str) -> str:
    """Who owns a page of pushes or of a build in the manifest."""
    return f"push:{path}"


def write_pushes(state: BuildState) -> None:
    """Bring the pages of pushes and builds in line with the runs that name them."""
    book = state.manifest.pushes
    book.forget_gone()
    if unreadable.must_wait(state):
        return
    everything = state.all_pages or state.interrupted or unreadable.came_back(state)
    if everything:
        book.everything_due()
    state.commit()
    moved = everything
    writer = PushWriter(state.site, state.look)
    for outcome in state.engine.map(writer, list(_tasks(state))):
        moved = True
        if outcome.returned is None:
            state.failed(f"page {outcome.task.path}", outcome.error)
            continue
        state.note_files(*outcome.returned)
        book.settle(*outcome.task.due)
    if moved:
        _write_repositories(state)
    state.commit()


def has_pushes(state: BuildState) -> bool:
    """Whether there is a page about pushes."""
    return state.manifest.holds(urls.repositories_page())


def _tasks(state: BuildState) -> Iterator[PushTask]:
    manifest = state.manifest
    for kind, shown_of in ((PUSH, _push), (PART, _part), (INDEX, _index), (BUILD, _build)):
        for repository, name in manifest.pushes.due(kind):
            path = _path(kind, repository, name)
            known = state.pages_of(owner_of(path), trusted=not state.interrupted)
            shown = shown_of(manifest, repository, name)
            yield PushTask((kind, repository, name), path, shown, known)


def _path(kind: str, repository: str, name: str) -> str:
    if kind == PUSH:
        return urls.push_page(repository, name)
    if kind == BUILD:
        return urls.build_page(repository, name)
    return urls.pushes_page(repository, int(name) if kind == PART else None)


def _write(pen: Pen, path: str, shown: Shown) -> None:
    if isinstance(shown, tuple):
        fingerprint = pen.fresh(redirect, path, shown)
        if fingerprint:
            pen.page(redirect, path, fingerprint, redirect.context(pen.frame, path, *shown))
        return
    kind, twin_of = _KINDS[type(shown)]
    fingerprint = pen.fresh(kind, path, repr(shown))
    if fingerprint:
        pen.store(urls.json_beside(path), json_bytes(twin_of(shown)))
        pen.page(kind, path, fingerprint, kind.context(pen.frame, shown))
    else:
        pen.keep_file(urls.json_beside(path))


def _push(manifest: Manifest, repository: str, name: str) -> Shown | None:
    book = manifest.pushes
    at = book.told.find(repository, name)
    runs = book.runs_at(at)
    if (at.repository, at.revision) != (repository, name) or not runs:
        there = book.named(repository, name)
        if there is None:
            return None
        return urls.push_page(there.repository, there.revision), f"the push {short(there.revision)}"
    before, after = book.beside(at)
    return push.Shown(
        at,
        _told(manifest, at, runs),
        before,
        after,
        tuple(manifest.summary(one.dir) for one in runs),
        tuple(sorted({each for one in runs for each in book.builds_of(one.dir)})),
        tuple(_broke(manifest, runs)),
    )


def _told(manifest: Manifest, at: PushPlace, runs: list[PushRun]) -> Push:
    """What the pushlog says of a push, else what a run of it says."""
    for _, found in manifest.pushes.told.pushes(at.repository, at.number, at.number + 1):
        return found
    said = (one.said for one in runs if one.said is not None)
    return next(said, Push((Commit(at.revision),)))


def _broke(manifest: Manifest, runs: list[PushRun]) -> Iterator[push.Broke]:
    """For each target what is wrong in its last run here, and was good before this push."""
    book = manifest.pushes
    for one in {(run.key.area, run.key.target): run for run in runs}.values():
        there = book.before(one)
        if there is None:
            continue
        good = {name for name, letter in _letters(manifest, there) if letter in _GOOD - {"S"}}
        tests = [
            (name, letter)
            for name, letter in _letters(manifest, one)
            if letter in _BAD and name in good
        ]
        if tests:
            first = max(there.at.number + 1, one.at.number + 1 - MOST_BETWEEN)
            told = book.told.pushes(one.at.repository, first, one.at.number + 1)
            places = [(PushPlace(one.at.repository, p.revision, n), p) for n, p in told]
            yield push.Broke(
                one.key,
                there.key,
                there.at,
                tuple(tests),
                one.at.number - there.at.number,
                tuple((at, p.commits[-1].message, book.has_runs(at)) for at, p in reversed(places)),
            )


def _letters(manifest: Manifest, one: PushRun) -> list[tuple[tuple[str, str], str]]:
    outcomes = manifest.outcomes(one.dir)
    return sorted(comparison.counted({n: letter for n, (letter, _) in outcomes.items()}).items())


def _part(manifest: Manifest, repository: str, name: str) -> Shown | None:
    part, book = int(name), manifest.pushes
    parts = book.told.parts(repository)
    if part >= parts:
        return None
    lines = _lines(manifest, repository, part * AT_ONCE, (part + 1) * AT_ONCE)
    return pushes.Shown(repository, part, min(parts, part + 2), 0, lines)


def _index(manifest: Manifest, repository: str, _: str) -> Shown | None:
    book = manifest.pushes
    total, parts = book.told.count(repository), book.told.parts(repository)
    untold = _untold(manifest, repository)
    if not total and not untold:
        return None
    first = max(0, parts - 2) * AT_ONCE
    lines = _lines(manifest, repository, first, parts * AT_ONCE)
    return pushes.Shown(repository, None, parts, total, lines, untold)


def _lines(manifest: Manifest, repository: str, first: int, last: int) -> tuple[pushes.Line, ...]:
    book = manifest.pushes
    runs: dict[int, list[pushes.ShownRun]] = {}
    for one in book.runs_between(repository, first, last):
        runs.setdefault(one.at.number, []).append((one.key, manifest.summary(one.dir).verdict))
    told = book.told.pushes(repository, first, last)
    return tuple(
        pushes.Line(found, found.revision, tuple(runs.get(number, ())))
        for number, found in reversed(told)
    )


def _untold(manifest: Manifest, repository: str) -> tuple[pushes.Line, ...]:
    lines = []
    for at in manifest.pushes.untold(repository, pushes.MOST_UNTOLD):
        runs = manifest.pushes.runs_at(at)
        said = _told(manifest, at, runs)
        told = replace(said, time=said.time or max(run.place for run in runs) or None)
        shown = tuple((run.key, manifest.summary(run.dir).verdict) for run in runs)
        lines.append(pushes.Line(told, at.revision, shown))
    return tuple(lines)


def _build(manifest: Manifest, repository: str, name: str) -> Shown | None:
    uses = manifest.pushes.uses(repository, name)
    if not uses:
        return None
    runs = [(manifest.summary(run_dir), revision, one) for run_dir, revision, one in uses]
    runs.sort(key=lambda use: (use[0].key.area, use[0].key.target, use[0].event_time or 0))
    return build.Shown(
        repository,
        name,
        tuple(sorted({revision for _, revision, _ in runs if revision})),
        tuple(sorted({one.url for _, _, one in runs if one.url})),
        tuple(sorted({each for _, _, one in runs for each in one.artifacts})),
        tuple(summary for summary, _, _ in runs),
    )


def _write_repositories(state: BuildState) -> None:
    manifest = state.manifest
    names = manifest.pushes.repositories()
    pen = Pen(state.site, state.look, OWNER, state.pages_of(OWNER, trusted=not state.interrupted))
    if names:
        path = urls.repositories_page()
        found = [_repository(manifest, name) for name in names]
        fingerprint = pen.fresh(repositories, path, repr(found))
        pen.store(urls.json_beside(path), json_bytes(pushtwin.of_repositories(found)))
        if fingerprint:
            pen.page(repositories, path, fingerprint, repositories.context(pen.frame, found))
    state.note_files(pen.changed, pen.remove_rest(), pen.rendered)


def _repository(manifest: Manifest, name: str) -> repositories.Repository:
    """A repository with its newest push that has runs; of those nobody told of the last to run."""
    book = manifest.pushes
    newest = book.newest(name)
    line = None
    if newest is not None:
        runs = book.runs_at(newest)
        said = _told(manifest, newest, runs)
        shown = tuple((run.key, manifest.summary(run.dir).verdict) for run in runs)
        line = pushes.Line(said, newest.revision, shown)
    return repositories.Repository(name, book.told.count(name), book.runs_total(name), line)
