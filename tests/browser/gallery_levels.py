"""What the gallery shows above a run: levels, targets with grids, months, histories, a night."""

from collections.abc import Iterator, Sequence

from browser import known_runs, past_records, pieces, records
from msgspec.structs import replace

from mtsite import urls
from mtsite.model import RunKey, RunSummary
from mtsite.pages import area, grid, history, month, names, target
from mtsite.pages import night as night_page
from mtsite.pages.page import NodeSummary, SiteFrame

FRAME = SiteFrame("Nightly regressions")
ITERATED = "synth_sweep"
Page = tuple[str, str, dict[str, object]]


def tree(night: records.Night) -> Iterator[Page]:
    runs = past_records.past(night)
    node = past_records.node(records.AREA, (), runs[1], runs=2871)
    for depth in range(3):
        here = replace(node, values=records.TARGET[:depth])
        children = [
            replace(
                node,
                values=(*here.values, value),
                newest=runs[i],
                verdict=runs[i].verdict,
                counts=runs[i].counts,
                title="",
            )
            for i, value in enumerate((records.TARGET[depth], "other", "third"), start=1)
        ]
        path = urls.area_page(here.area, here.values)
        moving = [((records.AREA, (*records.TARGET[:2], "daily")), past_records.stability(night))]
        grown = known_runs.months()
        made = area.context(FRAME, here, children, runs, (), unsteady=moving, growth=grown)
        yield path, area.TEMPLATE, made
    yield from _wide_level(node, runs)
    leaf = replace(node, values=records.TARGET, runs=312)
    months = [(f"{year}-{m:02d}", 28 + m % 3) for year in (2026, 2025) for m in range(12, 0, -1)][
        1:
    ]
    stable, past = past_records.stability(night), known_runs.past(night)
    shown = target.context(FRAME, leaf, runs, past_records.grid(night), months, stable, past)
    yield urls.area_page(leaf.area, leaf.values), target.TEMPLATE, shown
    everything = past_records.grid(night)
    rows = grid.ranked(everything.rows)
    window = grid.Window("30", months=("2026-11", "2026-10"))
    path = urls.grid_page(leaf.area, leaf.values, "30")
    yield path, grid.TEMPLATE, grid.context(FRAME, leaf, everything, rows, window)
    measured = past_records.long_grid(night)
    for name in ("100", "2026-11"):
        plain = tuple(replace(row, values=()) for row in measured.rows)
        shown = measured if name == "100" else replace(measured, metric="", rows=plain)
        window, path = grid.Window(name), urls.grid_page(leaf.area, leaf.values, name)
        parts = grid.parts_of(grid.ranked(shown.rows), shown)
        yield path, grid.TEMPLATE, grid.context(FRAME, leaf, shown, parts[0], window)
    path = urls.month_page(leaf.area, leaf.values, "2026-11")
    yield path, month.TEMPLATE, month.context(FRAME, leaf, "2026-11", runs)
    past = tuple(past_records.stretches(night))
    paths = [item for name, item in pieces.names() if name == ITERATED and item]
    items = tuple((item, past[at % 5]) for at, item in enumerate(paths))
    for name, beside in (("pcie_retry_smoke", ()), (ITERATED, items)):
        made = history.context(FRAME, leaf, (name, ""), history.Shown(past, items=beside))
        yield urls.history_page(leaf.area, leaf.values, (name, "")), history.TEMPLATE, made


def _wide_level(node: NodeSummary, runs: Sequence[RunSummary]) -> Iterator[Page]:
    """A level of more values than it has rows for, some of them odd, and all their names."""
    here = replace(node, values=("pool",), runs=51_000, targets=260)
    names_of = [*(f"host{n:03d}" for n in range(250)), *pieces.HOSTILE[4:8], "مرحبا", "שלום"]
    children = [
        replace(
            node,
            values=("pool", value),
            newest=runs[n % 20],
            verdict=runs[n % 20].verdict,
            counts=runs[n % 20].counts,
            targets=1,
            title="",
            pointers=("latest", "last-good"),
        )
        for n, value in enumerate(names_of)
    ]
    path = urls.area_page(here.area, here.values)
    yield path, area.TEMPLATE, area.context(FRAME, here, children, runs[:20], ())
    for part in names.parts_of(here, children):
        path = urls.names_page(part.number, here.area, here.values)
        yield path, names.TEMPLATE, names.context(FRAME, part)
    path = urls.month_page(here.area, here.values, "2026-11", 1)
    yield path, month.TEMPLATE, month.context(FRAME, here, "2026-11", runs, part=1)


def night_of(night: records.Night) -> Page:
    """Twelve targets of one night: the newest runs of a target stand in for them."""
    shown = past_records.grid(night)
    runs = tuple(
        replace(run, key=RunKey(records.AREA, (*two, flow), "ww47.5"), event_time=records.NOW)
        for run, (two, flow) in zip(
            shown.runs,
            [
                (two, flow)
                for two in (("rhel8", "nfs"), ("rhel9", "nfs"), ("rhel9", "zfs"))
                for flow in ("daily", "gates", "nightly", "lowpower")
            ],
            strict=False,
        )
    )
    rows = tuple(replace(row, strip=row.strip[: len(runs)]) for row in shown.rows)
    ordered = tuple(row for _, same in night_page.in_order(rows) for row in same)
    one = night_page.Shown("2026-11-19", runs, ordered, before="2026-11-18")
    path = urls.night_page(records.AREA, "2026-11-19")
    return path, night_page.TEMPLATE, night_page.context(FRAME, records.AREA, records.KEYS, one)
