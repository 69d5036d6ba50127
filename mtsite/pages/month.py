"""What the listing of one month of a target shows. A month that is over never changes again.

A month of very many runs has parts, cut from its oldest run on: a part that is full never changes
again either, and tells nothing of what came after it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeVar

from mtsite import urls
from mtsite.model import RunSummary
from mtsite.pages import listing, words
from mtsite.pages.page import NodeSummary, SiteFrame, crumbs_to, frame_context

EDITION = 4
TEMPLATE = "month.html"
PART_RUNS = 60
T = TypeVar("T")


def cut(newest_first: Sequence[T]) -> Iterator[tuple[int, Sequence[T]]]:
    """(part, its runs, newest first): the full parts from 1, then as 0 what the month itself shows.

    That is never a few runs only: `PART_RUNS` to twice as many, where there are parts.
    """
    full = max(0, len(newest_first) // PART_RUNS - 1)
    end = len(newest_first)
    for number in range(1, full + 1):
        yield number, newest_first[end - PART_RUNS : end]
        end -= PART_RUNS
    yield 0, newest_first[:end]


def context(
    frame: SiteFrame,
    node: NodeSummary,
    month: str,
    runs: Sequence[RunSummary],
    *,
    part: int = 0,
    parts: int = 0,
) -> dict[str, object]:
    """The runs of a month ('2026-11') or of a part of it, newest first as given.

    Of `node` only the names and `coming` (those of this month) are used: its counts move with
    every later run. `parts` is how many full ones the month itself links to.
    """
    path = urls.month_page(node.area, node.values, month, part)
    crumbs = crumbs_to(path, node.area, node.values, node.keys)
    target = "/".join(value or urls.EMPTY_KEY_VALUE for value in node.values)
    before = (part or parts + 1) - 1
    if part:
        lead = f"Runs {before * PART_RUNS + 1} to {part * PART_RUNS} of {month}."
    else:
        lead = _lead(before * PART_RUNS, runs)
    named = f"{month} · part {part}" if part else month
    shown = frame_context(
        frame, path, crumbs, title=f"{named} · {target} · {node.area}", description=lead
    )
    return shown | {
        "month": month,
        "part": part,
        "target": target,
        "area": node.area,
        "lead": lead,
        "runs": listing.run_rows(path, runs),
        "whole": urls.relative(path, urls.month_page(node.area, node.values, month)),
        "earlier": tuple(
            (
                f"{(number - 1) * PART_RUNS + 1}–{number * PART_RUNS}",
                urls.relative(path, urls.month_page(node.area, node.values, month, number)),
            )
            for number in range(1, before + 1)
        ),
        "coming": listing.still_to_come(node.coming),
        "zone": frame.timezone,
    }


def _lead(before: int, runs: Sequence[RunSummary]) -> str:
    """How many runs, and how those came out that the page itself shows."""
    many = words.plural(before + len(runs), "run")
    if not runs:
        return f"{many}."
    outcomes = Counter(run.verdict for run in runs)
    told = ", ".join(
        f"{words.number(outcomes[letter])} {words.COUNTED[letter]}"
        for letter in words.WORST_FIRST
        if outcomes[letter]
    )
    of = f"; of the newest {words.number(len(runs))}" if before else ""
    return f"{many}{of}: {told}."
