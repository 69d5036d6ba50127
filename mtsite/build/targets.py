"""The pages of one target: grid, months, histories, pointers. A worker's task.

What a page shows comes from the manifest alone, where the runs of the target are by now.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import urls
from mtsite.build import digest, former
from mtsite.build.grids import PLAIN, GridPages, GridSettings, TargetRuns, grid_of, seen_of
from mtsite.build.histories import Histories, move_on, shown_histories, still_true
from mtsite.build.issues import Judge
from mtsite.build.nodes import LISTED, TREND_DAYS, AreaWords, TargetNode, Tree, target_node
from mtsite.build.pen import Look, Pen
from mtsite.build.twins import store_twin
from mtsite.known import TargetRun
from mtsite.manifest import Manifest, Page
from mtsite.model import RunSummary, TestName
from mtsite.pages import course, history, month, redirect, sharing, target
from mtsite.pages.dates import month_of
from mtsite.pages.page import NodeSummary, Stretch
from mtsite.rollup import BAD, Verdict, is_good
from mtsite.stability import WINDOW, Stability, stability

GRID_RUNS = 30
_BAD = frozenset(verdict.value for verdict in BAD)


class TargetTask(Struct, frozen=True):
    """One target whose runs have moved; `known` are the fingerprints to rely on.

    `expected` is what the settings say of how often a run comes, in seconds; None: nothing.
    `name_now` is the name of the area where this is a former one, `judge` knows its issues.
    """

    area: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    grids: GridSettings = PLAIN
    known: Mapping[str, Page] = field(default_factory=dict)
    expected: int | None = None
    name_now: str = ""
    judge: Judge = field(default_factory=Judge)


class TargetWritten(Struct, frozen=True):
    """What a worker did; `node` is the target's summary for the levels above.

    `past` is what to remember of its older runs.
    """

    area: str
    values: tuple[str, ...]
    node: str
    past: bytes
    pages: list[Page]
    removed: list[str]
    rendered: int


class TargetWriter(Struct, frozen=True):
    """The work on a `TargetTask`."""

    site: Path
    state_dir: Path
    look: Look

    def __call__(self, task: TargetTask) -> TargetWritten:
        """Write every page of the target whose input moved."""
        owner = target_owner(task.area, task.values)
        pen = Pen(self.site, self.look, owner, task.known)
        with Manifest.open(self.state_dir) as manifest:
            node, past = _TargetPages(pen, manifest, task).write()
        removed = pen.remove_rest()
        return TargetWritten(
            task.area, task.values, node.encode(), past, pen.changed, removed, pen.rendered
        )


def target_owner(area: str, values: Sequence[str]) -> str:
    """Who owns the shared pages of a target in the manifest."""
    return f"target:{urls.area_dir(area, values)}"


class _TargetPages:
    def __init__(self, pen: Pen, manifest: Manifest, task: TargetTask) -> None:
        self.pen = pen
        self.manifest = manifest
        self.area = task.area
        self.values = task.values
        self.keys = task.keys
        self.name_now = task.name_now
        self.words = AreaWords(expected=task.expected)
        self.zone = ZoneInfo(pen.frame.timezone)
        self.grids = task.grids
        self.judge = task.judge
        self.runs = TargetRuns(manifest, task.area, task.values)
        # A page without a fingerprint may be of a build that died: nothing rests on it.
        self.trusted = all(page.fingerprint for page in task.known.values())
        self.coming = manifest.coming_places(task.area, task.values)

    def write(self) -> tuple[TargetNode, bytes]:
        """The target's own summary, and what to remember of its older runs."""
        last_days = self.runs.since((TREND_DAYS + 1) * 86_400)
        own = target_node(self.keys, len(self.runs.newest), last_days, self.zone)
        months = self._growth()
        logs = sum(month[3] for month in months)
        own = replace(own, coming=len(self.coming), months=months, log_bytes=logs)
        here = (self.area, self.values)
        if self.name_now and former.write_target(
            self.pen, self.manifest, here, self.name_now, self.zone
        ):
            return own, b""
        # A month or history must not change with the newest run: it gets a bare node.
        own = replace(own, pointers=tuple(self._pointers()), stability=self._stability())
        tree = Tree({(self.area, self.values): own}, {self.area: self.words}, self.zone)
        bare = NodeSummary(self.area, self.values, self.keys, 0, {}, Verdict.NOT_RUN, None)
        past = self._histories(bare)
        self._months(bare)
        GridPages(self.pen, self.runs, bare, self.grids, self.judge).write()
        self._target_page(tree.node(self.area, self.values), own.stability)
        return own, past

    def _growth(self) -> tuple[tuple[str, int, int, int], ...]:
        """Runs, tests and logs of each month, oldest first."""
        months: dict[str, list[int]] = {}
        for place, tests, logs in self.manifest.run_sizes(self.area, self.values):
            tally = months.setdefault(month_of(place, self.zone), [0, 0, 0])
            tally[0] += 1
            tally[1] += tests
            tally[2] += logs
        ordered = sorted(months.items())
        return tuple((name, runs, tests, logs) for name, (runs, tests, logs) in ordered)

    def _stability(self) -> Stability:
        columns = self.runs.newest[:WINDOW]
        shown = grid_of(self.runs, columns)
        rows = ((row.name, row.strip) for row in shown.rows)
        return stability([run.runname for run in columns], rows, LISTED)

    def _target_page(self, node: NodeSummary, stability: Stability) -> None:
        path = urls.area_page(self.area, self.values)
        columns = self.runs.newest[:GRID_RUNS]
        latest = self.runs.summaries(GRID_RUNS)
        months: dict[str, int] = {}
        for run in self.runs.newest:
            name = month_of(run.place, self.zone)
            months[name] = months.get(name, 0) + 1
        seen = seen_of(self.runs, columns, self.grids)
        drawn = [run.summary for run in self.runs.newest[GRID_RUNS : course.MOST]]
        listed = sorted(months.items(), reverse=True)
        fingerprint = self.pen.fresh(target, path, repr(node), seen, drawn, months)
        if fingerprint:
            shown = grid_of(self.runs, columns, self.grids)
            past = self.runs.summaries(course.MOST)
            context = target.context(self.pen.frame, node, latest, shown, listed, stability, past)
            self.pen.page(target, path, fingerprint, context)
        moving = [((self.area, self.values), stability)]
        store_twin(self.pen, node, (), latest, listed, moving)
        self._share(latest)

    def _share(self, latest: Sequence[RunSummary]) -> None:
        """The badge and the feed of the target, once it has a run."""
        if latest:
            label = "/".join(value or urls.EMPTY_KEY_VALUE for value in self.values)
            path = urls.feed(self.area, self.values)
            runs = self.runs.summaries(sharing.FEED_RUNS + 1)
            title = f"{label} · {self.area} · {self.pen.frame.title}"
            self.pen.store(urls.badge(self.area, self.values), sharing.badge(label, latest[0]))
            self.pen.store(path, sharing.feed(self.pen.frame, path, title, runs))

    def _months(self, node: NodeSummary) -> None:
        """Listings by month, those of months too whose runs are gone by now."""
        coming = Counter(month_of(place, self.zone) for place in self.coming)
        by_month: dict[str, list[TargetRun]] = {}
        for run in reversed(self.runs.everything):
            runs = by_month.setdefault(month_of(run.place, self.zone), [])
            if not run.gone:
                runs.append(run)
        for name, runs in sorted(by_month.items()):
            here = replace(node, coming=coming[name])
            *parts, whole = month.cut(runs)
            for number, some in parts:
                self._month(replace(node, coming=0), name, some, (number, 0))
            self._month(here, name, whole[1], (0, len(parts)))

    def _month(
        self, node: NodeSummary, name: str, runs: Sequence[TargetRun], part: tuple[int, int]
    ) -> None:
        """One page; `part` is its number and how many parts it links to."""
        number, parts = part
        path = urls.month_page(self.area, self.values, name, number)
        seen = [run.summary for run in runs]
        fingerprint = self.pen.fresh(month, path, self.keys, seen, node.coming, parts)
        if fingerprint:
            frame, listed = self.pen.frame, [self.runs.summary(run) for run in runs]
            context = month.context(frame, node, name, listed, part=number, parts=parts)
            self.pen.page(month, path, fingerprint, context)

    def _pointers(self) -> list[str]:
        """Write those redirects that have somewhere to lead, and name them."""
        chosen: dict[str, Callable[[RunSummary], bool]] = {
            "latest": lambda run: True,
            "last-good": lambda run: is_good(run.counts),
            "last-failed": lambda run: bool(set(run.counts) & _BAD),
        }
        led = []
        for which, fits in chosen.items():
            newest_first = (self.runs.summary(run) for run in self.runs.newest)
            found = next((run for run in newest_first if fits(run)), None)
            if found is not None:
                led.append(which)
                path = urls.pointer_page(self.area, self.values, which)
                there = urls.run_page(found.key)
                fingerprint = self.pen.fresh(redirect, path, there)
                if fingerprint:
                    context = redirect.context(self.pen.frame, path, there, found.key.runname)
                    self.pen.page(redirect, path, fingerprint, context)
        return led

    def _histories(self, node: NodeSummary) -> bytes:
        """The page of every test that ever was in a run; returns what to remember for the next."""
        recipe = digest.of(self.pen.recipes[history.TEMPLATE], self.keys)

        def part(name: TestName, number: int, stretches: Sequence[Stretch]) -> None:
            self._history(node, name, history.Shown(tuple(stretches[::-1]), part=number))

        everything = self.runs.everything
        packed = self.manifest.target_past(self.area, self.values)
        known = Histories.decode(packed, recipe) if self.trusted else None
        known = still_true(everything, known)
        if known is None or not self._keep_parts(known):
            known, packed = Histories(), b""
        if move_on(known, everything, lambda run: self.manifest.outcomes(run.dir), part):
            packed = known.encode(recipe)
        for run in everything[known.runs :]:
            known.extend(run, self.runs.outcomes(run), part)
        for name, shown in shown_histories(known):
            self._history(node, name, shown)
        return packed

    def _keep_parts(self, known: Histories) -> bool:
        """Whether the pages of all older stretches are there to stay."""
        return all(
            self.pen.keep_file(urls.history_part(self.area, self.values, name, number))
            for name, past in known.tests.items()
            for number in range(1, past.parts + 1)
        )

    def _history(self, node: NodeSummary, name: TestName, shown: history.Shown) -> None:
        """One page: the newest stretches of a test, or a part of the older ones."""
        path = history.path_of(node, name, shown.part)
        fingerprint = self.pen.fresh(history, path, self.keys, repr(shown))
        if fingerprint:
            context = history.context(self.pen.frame, node, name, shown)
            self.pen.page(history, path, fingerprint, context)
