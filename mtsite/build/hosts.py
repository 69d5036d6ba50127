"""The pages of hosts: a new run changes those of the hosts that it ran on, and the list of all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mtsite import urls
from mtsite.build import unreadable
from mtsite.build.pen import Look, Pen
from mtsite.build.state import BuildState
from mtsite.manifest import Manifest, Page
from mtsite.onhosts import Numbers
from mtsite.pages import host, hosts

LIST_OWNER = "hosts"
MOST_LOOKED = 20
"""So many of its newest runs are looked through for the tests that a host ran last."""


@dataclass(frozen=True, slots=True)
class HostTask:
    """One host whose page is due."""

    host: str
    total: Numbers


@dataclass(frozen=True, slots=True)
class HostWriter:
    """The work on a `HostTask`."""

    site: Path
    state_dir: Path
    look: Look
    trusted: bool

    def __call__(self, task: HostTask) -> list[Page]:
        """Write the page of the host, if it is not what it was."""
        with Manifest.open(self.state_dir) as manifest:
            shown = _shown(manifest, task)
            owner = owner_of(task.host)
            pen = Pen(self.site, self.look, owner, manifest.owned(owner) if self.trusted else {})
        path = urls.host_page(task.host)
        fingerprint = pen.fresh(host, path, repr(shown))
        if fingerprint:
            pen.page(host, path, fingerprint, host.context(pen.frame, shown))
        return pen.changed


def owner_of(name: str) -> str:
    """Who owns the page of a host in the manifest."""
    return f"host:{urls.segment(name)}"


def write_hosts(state: BuildState) -> None:
    """Bring the pages of hosts in line with what ran on them."""
    book = state.manifest.hosts
    book.forget_gone()
    book.compare()
    if unreadable.must_wait(state):
        return
    everything = state.all_pages or state.interrupted or unreadable.came_back(state)
    due = book.all() if everything else book.moved()
    state.commit()
    tasks = list(_tasks(state, due))
    state.commit()
    writer = HostWriter(
        state.site, state.config.state_dir, state.look, trusted=not state.interrupted
    )
    for outcome in state.engine.map(writer, tasks):
        if outcome.returned is None:
            state.failed(f"host {outcome.task.host}", outcome.error)
            continue
        state.note_files(outcome.returned, [], len(outcome.returned))
        book.settle(outcome.task.host)
    if due or everything or not state.manifest.holds(urls.hosts_page()):
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


def _shown(manifest: Manifest, task: HostTask) -> host.Shown:
    newest = manifest.hosts.runs_of(task.host, host.MOST_RUNS)
    runs = tuple((manifest.summary(run_dir), numbers) for run_dir, numbers in newest)
    ran: list[host.Ran] = []
    for (run_dir, _), (summary, _) in zip(newest[:MOST_LOOKED], runs, strict=False):
        for one in manifest.hosts.of_run(run_dir):
            if one.host == task.host:
                ran += [(summary.key, test) for test in one.tests]
        if len(ran) >= host.MOST_TESTS:
            break
    ran.sort(key=lambda one: (-(one[1].start or 0), one[0], one[1][:2]))
    return host.Shown(task.host, task.total, runs, tuple(ran[: host.MOST_TESTS]))
