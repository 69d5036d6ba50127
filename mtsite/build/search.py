"""What is searched: a month of runs in one shard or some, and the page that names the shards.

A run that is new, or moved, changes the shard that it is in and, in its month, those after it.
"""

import json
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from mtsite import urls
from mtsite.build import unreadable
from mtsite.build.areawords import names_now
from mtsite.build.pen import Look, Pen
from mtsite.build.state import BuildState
from mtsite.known import summary_of
from mtsite.manifest import Manifest, Page
from mtsite.pages import search
from mtsite.pages.dates import month_of
from mtsite.searchable import First

OWNER = "search"
NAMES = "search without"
"""In the manifest: the former names of areas whose runs the shards leave out."""

_FOREVER = 2**62
_DAY = 86_400
_NO_TIME = "1970-01"
"""The month of runs whose time no calendar has, wherever they stand."""


class MonthTask(Struct, frozen=True):
    """A month of which the shards from `number` on are due; that one begins with `first`.

    `place` is when the earliest run that moved began. `known` are its files, `former` the names
    that areas had before.
    """

    month: str
    place: int
    number: int
    first: First
    known: Mapping[str, Page]
    former: Collection[str]


class MonthWritten(Struct, frozen=True):
    """What came of it: files that changed, and the runs that the due shards begin with."""

    pages: list[Page]
    firsts: list[First]


class MonthWriter(Struct, frozen=True):
    """The work on a `MonthTask`: one run and one shard at a time are in memory."""

    site: Path
    state_dir: Path
    look: Look

    def __call__(self, task: MonthTask) -> MonthWritten:
        """Write the shards that are due."""
        pen = Pen(self.site, self.look, OWNER, task.known)
        firsts: list[First] = []
        draft = search.Draft()
        with Manifest.open(self.state_dir) as manifest:
            for first, run in self._found(manifest, task):
                if not firsts:
                    firsts.append(first)
                if not draft.take(run):
                    _store(pen, task, len(firsts), draft)
                    firsts.append(first)
                    draft = search.Draft()
                    draft.take(run)
        if firsts:
            _store(pen, task, len(firsts), draft)
        return MonthWritten(pen.changed, firsts)

    def _found(
        self, manifest: Manifest, task: MonthTask
    ) -> Iterator[tuple[First, search.FoundRun]]:
        zone = ZoneInfo(self.look.frame.timezone)
        since, before = _span(task.month, zone)
        begin = max(task.first, First(since, ""))
        for first, line, gone in manifest.search.runs(begin, before):
            summary = summary_of(line)
            if month_of(first.place, zone) != task.month or summary.key.area in task.former:
                continue
            if gone:
                yield first, search.FoundRun(summary, first.place)
                continue
            total, lines = manifest.failing.of_run(first.dir, search.MOST_LINES)
            outcomes = manifest.outcomes(first.dir)
            hosts = manifest.hosts.of_run(first.dir)
            yield first, search.FoundRun(summary, first.place, outcomes, hosts, lines, total)


def write_search(state: BuildState) -> None:
    """Bring the shards of the months that moved, and the page, in line with all runs."""
    if unreadable.must_wait(state):
        return
    book = state.manifest.search
    without = names_now(state.config.areas)
    said = json.dumps(sorted(without)) if without else ""
    everything = _all_due(state, said)
    due = book.all_places() if everything else book.due()
    if not due and not everything and state.manifest.holds(urls.search_page()):
        return
    state.commit()
    known = state.pages_of(OWNER, trusted=not state.interrupted)
    before = book.shards()
    writer = MonthWriter(state.site, state.config.state_dir, state.look)
    firsts = {} if everything else before
    tasks = [MonthTask(*one, frozenset(without)) for one in _months(state, due, known, firsts)]
    pen = Pen(state.site, state.look, OWNER, known)
    failed: list[int] = []
    for outcome in state.engine.map(writer, tasks):
        task, written = outcome.task, outcome.returned
        if written is None:
            state.failed(f"search of {task.month}", outcome.error)
            failed.append(task.place)
            continue
        state.note_files(written.pages, [], 0)
        book.note(task.month, before.get(task.month, [])[: task.number - 1] + written.firsts)
    if everything:
        for month in before.keys() - {task.month for task in tasks}:
            book.note(month, [])
    _write_page(state, pen, {month: len(firsts) for month, firsts in book.shards().items()})
    book.settle(but=failed)
    state.manifest.put(NAMES, said)
    state.commit()


def _all_due(state: BuildState, said: str) -> bool:
    """Whether what is known of what moved says too little; `said` are the former names now."""
    lost = state.all_pages or state.interrupted or unreadable.came_back(state)
    return lost or state.manifest.get(NAMES) != said


def _months(
    state: BuildState,
    due: Iterable[int],
    known: Mapping[str, Page],
    before: Mapping[str, list[First]],
) -> Iterator[tuple[str, int, int, First, Mapping[str, Page]]]:
    """The months of these times, each as the first fields of its task."""
    zone = ZoneInfo(state.look.frame.timezone)
    earliest: dict[str, int] = {}
    for place in due:
        month = month_of(place, zone)
        earliest[month] = min(place, earliest.get(month, place))
    for month, place in sorted(earliest.items()):
        firsts = before.get(month, [])
        # A run at the head of a shard may have become so small that it belongs to the one before.
        at = max(bisect_left([first.place for first in firsts], place) - 1, 0)
        begin = firsts[at] if at else First(-_FOREVER, "")
        own = {path: page for path, page in known.items() if path.startswith(_below(month))}
        yield month, place, at + 1, begin, own


def _store(pen: Pen, task: MonthTask, nth: int, draft: search.Draft) -> None:
    number = task.number + nth - 1
    pen.store(urls.search_shard(task.month, number), draft.content(f"{task.month}-{number}"))


def _write_page(state: BuildState, pen: Pen, months: Mapping[str, int]) -> None:
    pen.seen.update(
        urls.search_shard(month, number)
        for month, total in months.items()
        for number in range(1, total + 1)
    )
    path = urls.search_page()
    fingerprint = pen.fresh(search, path, repr(months))
    if fingerprint:
        pen.page(search, path, fingerprint, search.context(pen.frame, months))
    state.note_files(pen.changed, pen.remove_rest(), pen.rendered)


def _below(month: str) -> str:
    return urls.search_shard(month, 0).removesuffix("0.js")


def _span(month: str, zone: ZoneInfo) -> tuple[int, int]:
    """Times between which all runs of a month lie, and some of its neighbours."""
    year, number = map(int, month.split("-"))
    if month == _NO_TIME:
        return -_FOREVER, _FOREVER
    try:
        begin = datetime(year, number, 1, tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        return -_FOREVER, _FOREVER
    return int(begin) - _DAY, int(begin) + 33 * _DAY
