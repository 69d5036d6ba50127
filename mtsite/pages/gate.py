"""What the page of a rehearsal shows: a verdict per dataset, its messages, its steps and limits."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtsite.pages import words
from mtsite.pages.page import SiteFrame, frame_context

EDITION = 2
TEMPLATE = "gate.html"
PATH = "index.html"


def context(frame: SiteFrame, document: Mapping[str, Any], path: str = PATH) -> dict[str, object]:
    """The page of a document of schema mtsite/gate/1; nothing beside it can be searched."""
    datasets: Sequence[Mapping[str, Any]] = document["datasets"]
    failed = sum(not one["success"] for one in datasets)
    style, symbol, _ = words.mark("F" if failed else "P")
    told = words.plural(len(datasets), "dataset")
    made = frame_context(
        frame,
        path,
        (),
        title="Gate",
        description=f"{failed} of {told} failed" if failed else f"{told}: SUCCESS",
    )
    return made | {
        "search": "",
        "letter": style,
        "symbol": symbol,
        "word": "failed" if failed else "SUCCESS",
        "failed": failed,
        "told": told,
        "twin": "gate.json",
        "datasets": tuple(_dataset(one) for one in datasets),
    }


def _dataset(one: Mapping[str, Any]) -> dict[str, object]:
    style, symbol, _ = words.mark("P" if one["success"] else "F")
    return {
        "name": one["name"],
        "style": style,
        "symbol": symbol,
        "word": "SUCCESS" if one["success"] else "failed",
        "size": f"{words.plural(one['runs'], 'run')}, {words.plural(one['rows'], 'row')}",
        "messages": tuple((m["text"], m["detail"], m["help"]) for m in one["messages"]),
        "steps": tuple(_step(step) for step in one["steps"]),
    }


def _step(step: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """(name, seconds, its limit, what it did, style)."""
    counts = ", ".join(f"{words.number(count)} {what}" for what, count in step["counts"].items())
    limit = "any" if step["limit"] is None else f"{words.number(step['limit'])}{words.THIN}s"
    took = f"{step['seconds']:.2f}{words.THIN}s"
    return step["name"], took, limit, counts, "W" if step["too_long"] else "P"
