"""What the listing of one month of a target shows. A month that is over never changes again."""

from collections.abc import Sequence

from mtsite import urls
from mtsite.model import RunSummary
from mtsite.pages import listing, words
from mtsite.pages.page import NodeSummary, SiteFrame, crumbs_to, frame_context

EDITION = 2
TEMPLATE = "month.html"


def context(
    frame: SiteFrame, node: NodeSummary, month: str, runs: Sequence[RunSummary]
) -> dict[str, object]:
    """All runs of a month ('2026-11'), newest first as given.

    Of `node` only the names and `coming` (those of this month) are used: its counts move with
    every later run.
    """
    path = urls.month_page(node.area, node.values, month)
    crumbs = crumbs_to(path, node.area, node.values, node.keys)
    target = "/".join(value or urls.EMPTY_KEY_VALUE for value in node.values)
    lead = f"{words.plural(len(runs), 'run')} in {month}."
    shown = frame_context(
        frame, path, crumbs, title=f"{month} · {target} · {node.area}", description=lead
    )
    return shown | {
        "month": month,
        "target": target,
        "area": node.area,
        "lead": lead,
        "runs": listing.run_rows(path, runs),
        "coming": listing.still_to_come(node.coming),
        "zone": frame.timezone,
    }
