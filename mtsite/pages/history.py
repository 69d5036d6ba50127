"""What the history of one test in one target shows: stretches of equal verdicts.

An open stretch names where it began and nothing that moves with every run, so the page of a test
that keeps its verdict stays as it is. The newest runs, one by one, and their durations come from
the shards of the target by script. Older stretches are on parts of 200 that never change.
"""

from msgspec import Struct

from mtsite import urls
from mtsite.model import RunKey, TestName
from mtsite.pages import words
from mtsite.pages.page import NodeSummary, SiteFrame, Stretch, crumbs_to, frame_context
from mtsite.pages.place import test_label
from mtsite.rollup import ABSENT

EDITION = 4
TEMPLATE = "history.html"
MAX_ITEMS = 500


class Shown(Struct, frozen=True):
    """The stretches of one page, newest first. `part` is 0 on the page of the newest.

    `parts` is how many parts of older ones there are. `items` are the items of the test with
    their open stretches; `heirs` began where this test ended: it may be called so now.
    """

    stretches: tuple[Stretch, ...]
    parts: int = 0
    part: int = 0
    items: tuple[tuple[str, Stretch], ...] = ()
    heirs: tuple[TestName, ...] = ()


def path_of(node: NodeSummary, name: TestName, part: int) -> str:
    """Where a page of a history lies."""
    where = (node.area, node.values, name)
    return urls.history_part(*where, part) if part else urls.history_page(*where)


def context(frame: SiteFrame, node: NodeSummary, name: TestName, shown: Shown) -> dict[str, object]:
    """One page of a history; of `node` only the names are used."""
    path = path_of(node, name, shown.part)
    crumbs = crumbs_to(path, node.area, node.values, node.keys)
    target = "/".join(value or urls.EMPTY_KEY_VALUE for value in node.values)
    label = test_label(name)
    lead = _lead(shown)
    style, symbol, word = words.mark(shown.stretches[0].verdict)
    made = frame_context(
        frame, path, crumbs, title=f"{symbol} {word} {label} · history · {target}", description=lead
    )
    older = shown.part - 1 if shown.part else shown.parts
    place = (node.area, node.values)
    return made | {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "testname": name[0],
        "item_path": name[1],
        "target": target,
        "area": node.area,
        "lead": lead,
        "heirs": tuple((*heir, _history_link(path, node, heir)) for heir in shown.heirs),
        "rows": tuple(_row(path, node, name, s) for s in shown.stretches),
        "items": tuple(_item(path, node, name, *each) for each in shown.items[:MAX_ITEMS]),
        "items_total": len(shown.items),
        "part": shown.part,
        "newest_href": urls.relative(path, path_of(node, name, 0)),
        "older_href": urls.relative(path, path_of(node, name, older)) if older else "",
        "grid_href": urls.relative(path, urls.grid_page(*place, "30")),
        "strips_shard": urls.relative(path, urls.grid_file(*place, "grid.js")),
        "cells_shard": urls.relative(path, urls.grid_file(*place, "cells.js")),
    }


def _history_link(path: str, node: NodeSummary, name: TestName) -> str:
    return urls.relative(path, urls.history_page(node.area, node.values, name))


def _lead(shown: Shown) -> str:
    now = shown.stretches[0]
    word = words.WORDS.get(now.verdict, "fail")
    if shown.part:
        first = shown.stretches[-1]
        return f"Older stretches, part {shown.part}: from {first.first_run} to {now.last_run}."
    if now.verdict == ABSENT:
        before = shown.stretches[1] if len(shown.stretches) > 1 else None
        seen = words.WORDS.get(before.verdict, "fail") if before else ""
        last = f" It was last seen in {before.last_run}: {seen}." if before else ""
        return f"Not among the tests since {now.first_run}.{last}"
    return f"{word.capitalize()} since {now.first_run}."


def _item(
    path: str, node: NodeSummary, name: TestName, item_path: str, stretch: Stretch
) -> tuple[str, str, str, str, str, str]:
    """(style, symbol, word, item, link to its history, run since)."""
    link = _history_link(path, node, (name[0], item_path))
    return (*words.mark(stretch.verdict), item_path, link, stretch.first_run)


def _row(path: str, node: NodeSummary, name: TestName, stretch: Stretch) -> dict[str, object]:
    style, symbol, word = words.mark(stretch.verdict)

    def link(runname: str) -> str:
        key = RunKey(node.area, node.values, runname)
        absent = stretch.verdict == ABSENT
        there = urls.run_page(key) if absent else urls.test_page(key, name)
        return urls.relative(path, there) if runname else ""

    return {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "first": stretch.first_run,
        "first_href": link(stretch.first_run),
        "first_time": words.when(stretch.first_time),
        "last": stretch.last_run,
        "last_href": link(stretch.last_run),
        "last_time": words.when(stretch.last_time),
        "runs": words.plural(stretch.runs, "run") if stretch.runs else "",
        "width": min(stretch.runs, 30) or 1,
    }
