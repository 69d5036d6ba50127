"""The pages of hosts: a new run changes those of the hosts that it ran on, and the list of all."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from mtsite import urls
from mtsite.build import digest, unreadable
from mtsite.build.pen import Look, Pen
from mtsite.build.state import BuildState
from mtsite.engines.engine import Outcome
from mtsite.engines.inprocess import attempt
from mtsite.manifest import Manifest, Page
from mtsite.model import RunSummary
from mtsite.onhosts import Numbers, RanTest
from mtsite.pages import host, hosts

LIST_OWNER = "hosts"
TOGETHER = 10
"""So many hosts are one task."""

MOST_LOOKED = 20
"""So many of its newest runs are looked through for the tests that a host ran last."""


class HostTask(Struct, frozen=True):
    """One host whose page is due."""

    host: str
    total: Numbers


class HostWriter(Struct, frozen=True):
    """The work on a few `HostTask`s, which mostly tell of the same runs."""

    site: Path
    state_dir: Path
    look: Look
    trusted: bool

    def __call__(self, tasks: Sequence[HostTask]) -> list[Outcome[HostTask, list[Page]]]:
        """Write the pages of the hosts that are not what they were; each may fail alone."""
        with Manifest.open(self.state_dir) as manifest:
            runs = _Runs(manifest)

            def write(task: HostTask) -> list[Page]:
                return self._write(manifest, runs, task)

            return [attempt(write, task) for task in tasks]

    def _write(self, manifest: Manifest, runs: "_Runs", task: HostTask) -> list[Page]:
        owner = owner_of(task.host)
        pen = Pen(self.site, self.look, owner, manifest.owned(owner) if self.trusted else {})
        path = urls.host_page(task.host)
        newest = manifest.hosts.runs_of(task.host, host.MOST_LOADS)
        shown = _shown(runs, task, newest)
        told = [runs.told(run_dir) for run_dir, _ in newest[: host.MOST_RUNS]]
        numbers = [one.values() for one in (task.total, *shown.loads)]
        fingerprint = pen.fresh(host, path, task.host, numbers, told, repr(shown.tests))
        if fingerprint:
            pen.page(host, path, fingerprint, host.context(pen.frame, shown))
        return pen.changed


class _Runs:
    """Runs that the pages of several hosts tell of, each looked up once."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._summaries: dict[str, RunSummary] = {}
        self._told: dict[str, str] = {}
        self._on: dict[str, dict[str, tuple[RanTest, ...]]] = {}

    def summary(self, run_dir: str) -> RunSummary:
        """The run as a row of listings."""
        found = self._summaries.get(run_dir)
        if found is None:
            found = self._summaries[run_dir] = self._manifest.summary(run_dir)
        return found

    def told(self, run_dir: str) -> str:
        """A digest of the same."""
        found = self._told.get(run_dir)
        if found is None:
            found = self._told[run_dir] = digest.of(repr(self.summary(run_dir)))
        return found

    def tests(self, run_dir: str, name: str) -> tuple[RanTest, ...]:
        """What of the run was on a host."""
        found = self._on.get(run_dir)
        if found is None:
            hosts = self._manifest.hosts.of_run(run_dir)
            found = self._on[run_dir] = {one.host: one.tests for one in hosts}
        return found.get(name, ())


def owner_of(name: str) -> str:
    """Who owns the page of a host in the manifest."""
    return f"host:{urls.segment(name)}"


class HostsBegun(Struct, frozen=True):
    """Pages of hosts that are being made; `listed`: the list of all is due in any case."""

    outcomes: Iterator[Outcome[Sequence[HostTask], list[Outcome[HostTask, list[Page]]]]]
    listed: bool


def begin_hosts(state: BuildState) -> HostsBegun | None:
    """Let workers begin with the pages of hosts on which something ran; None: they must wait."""
    book = state.manifest.hosts
    book.forget_gone()
    book.compare()
    if unreadable.must_wait(state):
        return None
    everything = state.all_pages or state.interrupted or unreadable.came_back(state)
    due = book.all() if everything else book.moved()
    state.commit()
    tasks = list(_tasks(state, due))
    state.commit()
    writer = HostWriter(
        state.site, state.config.state_dir, state.look, trusted=not state.interrupted
    )
    outcomes = state.engine.map(writer, _together(tasks))
    return HostsBegun(outcomes, bool(due) or everything)


def finish_hosts(state: BuildState, begun: HostsBegun | None) -> None:
    """Note what was written, and bring the list of all hosts in line."""
    if begun is None:
        return
    for outcome in _each(begun.outcomes):
        if outcome.returned is None:
            state.failed(f"host {outcome.task.host}", outcome.error)
            continue
        state.note_files(outcome.returned, [], len(outcome.returned))
        state.manifest.hosts.settle(outcome.task.host)
    if begun.listed or not state.manifest.holds(urls.hosts_page()):
        _write_list(state)
    state.commit()


def _tasks(state: BuildState, due: list[str]) -> Iterator[HostTask]:
    for name in due:
        total = state.manifest.hosts.add_up(name)
        if total is not None:
            yield HostTask(name, total)
            continue
        gone = urls.host_page(name)
        (state.site / gone).unlink(missing_ok=True)
        state.note_files([], [gone], 0)
        state.manifest.hosts.settle(name)


def _write_list(state: BuildState) -> None:
    known = state.pages_of(LIST_OWNER, trusted=not state.interrupted)
    pen = Pen(state.site, state.look, LIST_OWNER, known)
    for part in hosts.parts_of(state.manifest.hosts.totals()):
        path = urls.hosts_page(part.number)
        fingerprint = pen.fresh(hosts, path, repr(part))
        if fingerprint:
            pen.page(hosts, path, fingerprint, hosts.context(pen.frame, part))
    state.note_files(pen.changed, pen.remove_rest(), pen.rendered)


def _together(tasks: Sequence[HostTask]) -> Iterator[Sequence[HostTask]]:
    for start in range(0, len(tasks), TOGETHER):
        yield tasks[start : start + TOGETHER]


def _each(
    outcomes: Iterable[Outcome[Sequence[HostTask], list[Outcome[HostTask, list[Page]]]]],
) -> Iterator[Outcome[HostTask, list[Page]]]:
    """What became of each host, also of those whose worker was lost."""
    for outcome in outcomes:
        if outcome.returned is None:
            yield from (Outcome(task, None, outcome.error) for task in outcome.task)
        else:
            yield from outcome.returned


def _shown(runs: _Runs, task: HostTask, newest: Sequence[tuple[str, Numbers]]) -> host.Shown:
    latest = newest[: host.MOST_RUNS]
    told = tuple((runs.summary(run_dir), numbers) for run_dir, numbers in latest)
    ran: list[host.Ran] = []
    for run_dir, _ in newest[:MOST_LOOKED]:
        key = runs.summary(run_dir).key
        ran += [(key, test) for test in runs.tests(run_dir, task.host)]
        if len(ran) >= host.MOST_TESTS:
            break
    ran.sort(key=lambda one: (-(one[1].start or 0), one[0], one[1][:2]))
    loads = tuple(numbers for _, numbers in newest)
    return host.Shown(task.host, task.total, told, tuple(ran[: host.MOST_TESTS]), loads)
