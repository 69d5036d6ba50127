"""What the front page shows: every area, the worst first."""

from collections.abc import Sequence

from mtsite import urls
from mtsite.pages import charts, leaving, listing, words
from mtsite.pages.page import NodeSummary, SiteFrame, frame_context
from mtsite.rollup import add_counts

EDITION = 4
TEMPLATE = "index.html"


def context(
    frame: SiteFrame, areas: Sequence[NodeSummary], *, ends: bool = False
) -> dict[str, object]:
    """All areas of the site; one that can't be read is listed with its reason.

    `ends`: there is a page about what leaves next.
    """
    path = urls.index_page()
    counts = add_counts(area.counts for area in areas)
    runs = sum(area.runs for area in areas)
    worst = max((a.verdict for a in areas if a.newest), key=words.rank, default="N")
    style, symbol, word = words.mark(worst)
    lead = _lead(areas, counts)
    shown = frame_context(frame, path, (), title=frame.title, description=lead)
    return shown | {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "lead": lead,
        "bar": charts.pass_bar(counts),
        "bar_label": words.counted(counts),
        "rows": listing.node_rows(path, areas),
        "areas_total": words.plural(len(areas), "area"),
        "runs_total": words.plural(runs, "run"),
        "coming": listing.still_to_come(sum(area.coming for area in areas)),
        "targets_total": words.plural(sum(area.targets for area in areas), "target"),
        "leaving": leaving.link_from(path) if ends else "",
        "rules": urls.relative(path, urls.rules_page()),
        "problems": tuple((area.area, problem) for area in areas for problem in area.problems),
    }


def _lead(areas: Sequence[NodeSummary], counts: dict[str, int]) -> str:
    if not areas:
        return "No area is configured."
    if not any(area.newest for area in areas):
        return "No run was found yet."
    return f"In the newest run of every target: {_lower(words.outcome(counts))}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
