"""What the page of an area or of a key level shows: what lies below, and its latest runs."""

from collections.abc import Sequence

from mtsite import urls
from mtsite.model import RunSummary
from mtsite.pages import charts, grown, leaving, listing, markdown, names, words
from mtsite.pages import unsteady as moving
from mtsite.pages.page import NodeSummary, SiteFrame, crumbs_to, frame_context
from mtsite.stability import Stability

EDITION = 9
TEMPLATE = "area.html"
MAX_LATEST = 30


def context(
    frame: SiteFrame,
    node: NodeSummary,
    children: Sequence[NodeSummary],
    latest: Sequence[RunSummary],
    problems: Sequence[str],
    *,
    ends: bool = False,
    unsteady: Sequence[tuple[tuple[str, tuple[str, ...]], Stability]] = (),
    growth: Sequence[grown.Month] = (),
) -> dict[str, object]:
    """An area (no values yet) or a key level; `latest` are runs of all that lies below.

    `ends`: there is a page about what leaves next. `unsteady` is what is so in targets below,
    `growth` their months, oldest first.
    """
    path = urls.area_page(node.area, node.values)
    crumbs = crumbs_to(path, node.area, node.values, node.keys)[:-1]
    lead = words.outcome(node.counts) if node.newest else _no_runs(node)
    name = "/".join(node.values) if node.values else node.area
    style, symbol, word = words.mark(node.verdict if node.newest else "N")
    if not node.newest:
        word = "archive" if node.held else "no runs"
    label = f"{words.heading(symbol, word, node.counts)} · {name}"
    label += f" · {node.area}" if node.values else ""
    shown = frame_context(frame, path, crumbs, title=label, description=lead)
    return shown | {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "kicker": _own_key(node),
        "area": node.area,
        "name": listing.node_name(node),
        "area_title": node.title,
        "lead": lead,
        "sentence": listing.sentence(node) if node.newest else "",
        **listing.newest_of(node),
        "satellite_of": node.satellite_of,
        "holds": listing.holds(node),
        "bar": charts.pass_bar(node.counts),
        "bar_label": words.counted(node.counts),
        "child_key": _child_key(node),
        "rows": listing.node_rows(path, children),
        "all_names": names.link_from(path, node.area, node.values, children),
        "twin": urls.relative(path, urls.node_twin(node.area, node.values)),
        "runs": listing.run_rows(path, latest[:MAX_LATEST], node.area),
        "runs_total": words.number(node.runs + node.held),
        "leaving": leaving.link_from(path) if ends else "",
        "coming": listing.still_to_come(node.coming),
        "logs_total": words.size(node.log_bytes) if node.log_bytes else "",
        "problems": tuple(problems[: listing.MAX_PROBLEMS]),
        "problems_hidden": listing.hidden(problems),
        "intro": markdown.description(node.intro) if node.intro else "",
        "feed": urls.relative(path, urls.feed(node.area)) if not node.values and latest else "",
        "growth": grown.shown(growth),
        "unsteady": moving.of_targets(path, unsteady),
        "contact": markdown.comment(node.contact),
    }


def _no_runs(node: NodeSummary) -> str:
    if not node.held:
        return "No run was found yet."
    return f"{words.upper_first(listing.holds(node))}, each at the address where it was born."


def _own_key(node: NodeSummary) -> str:
    """The name of the key whose value this is; of an area that is not configured no one knows."""
    depth = len(node.values)
    return "area" if not depth else node.keys[depth - 1] if depth <= len(node.keys) else "key"


def _child_key(node: NodeSummary) -> str:
    """The name of the key whose values are listed; '' when the level below are not key values."""
    depth = len(node.values)
    return node.keys[depth] if depth < len(node.keys) else ""
