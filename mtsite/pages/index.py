"""What the front page shows: every area, the worst first."""

from collections.abc import Mapping, Sequence

from mtsite import urls
from mtsite.pages import charts, leaving, listing, names, words
from mtsite.pages.page import NodeSummary, SiteFrame, frame_context
from mtsite.rollup import add_counts

EDITION = 10
TEMPLATE = "index.html"


def context(
    frame: SiteFrame, areas: Sequence[NodeSummary], *, ends: bool = False, pushed: bool = False
) -> dict[str, object]:
    """All areas of the site; one that can't be read is listed with its reason.

    `ends`: there is a page about what leaves next; `pushed`: there is one about pushes.
    """
    path = urls.index_page()
    site = whole(areas)
    style, symbol, word = words.mark(site.verdict)
    lead = _lead(areas, site.counts)
    problems = [(area.area, problem) for area in areas for problem in area.problems]
    title = f"{words.heading(symbol, word, site.counts)} · {frame.title}"
    shown = frame_context(frame, path, (), title=title, description=lead)
    return shown | {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "lead": lead,
        "change": words.change_parts(site),
        **listing.newest_of(site),
        "bar": charts.pass_bar(site.counts),
        "bar_label": words.counted(site.counts),
        "rows": listing.node_rows(path, areas),
        "all_names": names.link_from(path, "", (), areas),
        "twin": urls.relative(path, urls.node_twin()),
        "areas_total": words.plural(len(areas), "area"),
        "runs_total": words.plural(site.runs, "run"),
        "coming": listing.still_to_come(site.coming),
        "targets_total": words.plural(site.targets, "target"),
        "logs_total": words.size(site.log_bytes) if site.log_bytes else "",
        "leaving": leaving.link_from(path) if ends else "",
        "hosts": urls.relative(path, urls.hosts_page()),
        "pushes": urls.relative(path, urls.repositories_page()) if pushed else "",
        "clusters": urls.relative(path, urls.clusters_page()),
        "rules": urls.relative(path, urls.rules_page()),
        "jobs": urls.relative(path, urls.jobs_page()),
        "problems": tuple(problems[: listing.MAX_PROBLEMS]),
        "problems_hidden": listing.hidden(problems),
    }


def whole(areas: Sequence[NodeSummary]) -> NodeSummary:
    """All areas added up; a run is expected as often as in the busiest of them."""
    newest = max((a for a in areas if a.newest), key=_newest_order, default=None)
    rhythms = [(a.expected_seconds, a.late_seconds) for a in areas if a.expected_seconds]
    expected, late = min(rhythms, default=(0, 0))
    return NodeSummary(
        area="",
        values=(),
        keys=("area",),
        runs=sum(a.runs for a in areas),
        counts=add_counts(a.counts for a in areas),
        verdict=max((a.verdict for a in areas if a.newest), key=words.rank, default="N"),
        newest=newest.newest if newest else None,
        targets=sum(a.targets for a in areas),
        coming=sum(a.coming for a in areas),
        expected_seconds=expected,
        late_seconds=late,
        new=sum(a.new for a in areas),
        still=sum(a.still for a in areas),
        fixed=sum(a.fixed for a in areas),
        known=sum(a.known for a in areas),
        bad_targets=sum(a.bad_targets for a in areas),
        log_bytes=sum(a.log_bytes for a in areas),
    )


def _newest_order(node: NodeSummary) -> tuple[int, str]:
    return ((node.newest.event_time or 0) if node.newest else 0, node.area)


def _lead(areas: Sequence[NodeSummary], counts: Mapping[str, int]) -> str:
    if not areas:
        return "No area is configured."
    if not any(area.newest for area in areas):
        return "No run was found yet."
    return f"In the newest run of every target: {_lower(words.outcome(counts))}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
