"""What the history of one test in one target shows: stretches of equal verdicts.

An open stretch names where it began and nothing that moves with every run, so the page of a test
that keeps its verdict stays as it is.
"""

from collections.abc import Sequence

from mtsite import urls
from mtsite.model import RunKey, TestName
from mtsite.pages import words
from mtsite.pages.page import NodeSummary, SiteFrame, Stretch, crumbs_to, frame_context
from mtsite.pages.place import test_label
from mtsite.rollup import ABSENT

EDITION = 1
TEMPLATE = "history.html"
MAX_STRETCHES = 300


def context(
    frame: SiteFrame, node: NodeSummary, name: TestName, stretches: Sequence[Stretch]
) -> dict[str, object]:
    """`stretches` newest first; of `node` only the names are used."""
    path = urls.history_page(node.area, node.values, name)
    crumbs = crumbs_to(path, node.area, node.values, node.keys)
    target = "/".join(value or urls.EMPTY_KEY_VALUE for value in node.values)
    label = test_label(name)
    lead = _lead(stretches)
    now = stretches[0].verdict if stretches else "N"
    style, symbol, word = words.mark(now)
    shown = frame_context(
        frame, path, crumbs, title=f"{symbol} {label} · history · {target}", description=lead
    )
    return shown | {
        "letter": style,
        "symbol": symbol,
        "word": word if stretches else "no runs",
        "testname": name[0],
        "item_path": name[1],
        "target": target,
        "area": node.area,
        "lead": lead,
        "rows": tuple(_row(path, node, name, s) for s in stretches[:MAX_STRETCHES]),
        "rows_total": len(stretches),
        "track": tuple((_style(s.verdict), min(s.runs, 30) or 1) for s in reversed(stretches[:40])),
    }


def _style(letter: str) -> str:
    return words.mark(letter)[0]


def _lead(stretches: Sequence[Stretch]) -> str:
    if not stretches:
        return "This test was not seen in any run yet."
    now = stretches[0]
    word = words.WORDS.get(now.verdict, "fail")
    if now.last_run:
        return f"Last seen in {now.last_run}: {word}."
    return f"{word.capitalize()} since {now.first_run}."


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
