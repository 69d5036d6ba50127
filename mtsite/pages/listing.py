"""Runs and nodes as rows of a listing: the same row on every page that lists them. Pure."""

from collections.abc import Sequence

from mtsite import urls
from mtsite.model import RunSummary
from mtsite.pages import charts, words
from mtsite.pages.page import NodeSummary

MAX_NODES = 100
MAX_PROBLEMS = 20
QUIET = 30 * 86_400
_OFTEN = ((3600, "hourly"), (86_400, "daily"), (7 * 86_400, "weekly"))


def run_rows(
    page_path: str, runs: Sequence[RunSummary], area: str = ""
) -> tuple[dict[str, object], ...]:
    """Rows in the order given; a run that was not born in `area` is named with its own."""
    return tuple(_run_row(page_path, run, area or run.key.area) for run in runs)


def _run_row(page_path: str, run: RunSummary, area: str) -> dict[str, object]:
    style, symbol, word = words.mark(run.verdict)
    took = None
    if run.event_time is not None and run.end_time is not None:
        took = run.end_time - run.event_time
    first = run.failures[0] if run.failures else None
    return {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "name": run.key.runname,
        "target": "/".join(
            (
                *((run.key.area,) if run.key.area != area else ()),
                *(value or urls.EMPTY_KEY_VALUE for value in run.key.target),
            )
        ),
        "href": urls.relative(page_path, urls.run_page(run.key)),
        "started": words.when(run.event_time),
        "took": words.duration(took),
        "bar": charts.pass_bar(run.counts),
        "bar_label": words.counted(run.counts),
        "bad": words.number(words.bad(run.counts)) if words.bad(run.counts) else "",
        "total": words.number(words.total(run.counts)),
        "new": words.number(run.new) if run.new else "",
        "still": words.number(run.still) if run.still else "",
        "fixed": words.number(run.fixed) if run.fixed else "",
        "known": words.number(run.known) if run.known else "",
        "waiting": words.waiting(run.counts),
        "line": words.first_line(first.line) if first else "",
        "line_test": first.testname if first else "",
        "owner": words.first_line(run.owner),
        "contour": words.first_line(run.contour),
        "comment": words.first_line(run.comment),
        "gone": run.gone,
    }


def node_rows(page_path: str, nodes: Sequence[NodeSummary]) -> tuple[dict[str, object], ...]:
    """At most `MAX_NODES` rows with the worst first, among equals the newest, then by name.

    What had no run for long, while others had, comes after them: its failure is no news. What
    has none at all comes last, unreadable areas before empty ones.
    """
    newest = max((_age(node) for node in nodes), default=0)

    def order(node: NodeSummary) -> tuple[int, int, int, str, tuple[str, ...]]:
        if node.newest is None:
            return (2, not node.problems, 0, node.area, node.values)
        quiet = newest - _age(node) > QUIET
        return (quiet, -words.rank(node.verdict), -_age(node), node.area, node.values)

    return tuple(_node_row(page_path, node) for node in sorted(nodes, key=order)[:MAX_NODES])


def _age(node: NodeSummary) -> int:
    return (node.newest.event_time or 0) if node.newest else 0


def _node_row(page_path: str, node: NodeSummary) -> dict[str, object]:
    style, symbol, word = words.mark(node.verdict if node.newest else "N")
    newest = node.newest
    if newest is None:
        word = "not read" if node.problems else "archive" if node.held else "no runs"
    return {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "name": node_name(node),
        "title": node.title if not node.values else "",
        "href": urls.relative(page_path, urls.area_page(node.area, node.values)),
        "sentence": sentence(node),
        "bar": charts.pass_bar(node.counts),
        "bar_label": words.counted(node.counts),
        "bad": words.number(words.bad(node.counts)) if words.bad(node.counts) else "",
        "total": words.number(words.total(node.counts)),
        "runs": words.plural(node.runs if node.runs or not node.held else node.held, "run"),
        "targets": words.plural(node.targets, "target") if node.targets > 1 else "",
        "logs": words.size(node.log_bytes) if node.log_bytes else "",
        "trend": charts.trend(node.trend),
        "newest": words.when(newest.event_time) if newest else ("", ""),
        "newest_name": newest.key.runname if newest else "",
        "newest_href": urls.relative(page_path, urls.run_page(newest.key)) if newest else "",
        "expected": expected(node.expected_seconds),
        "late_seconds": node.late_seconds,
        "pointers": pointer_links(page_path, node),
        "satellite_of": node.satellite_of,
        "problems": node.problems[:MAX_PROBLEMS],
    }


def node_name(node: NodeSummary) -> str:
    """What a node is called among its siblings."""
    return (node.values[-1] or urls.EMPTY_KEY_VALUE) if node.values else node.area


def pointer_links(page_path: str, node: NodeSummary) -> tuple[tuple[str, str], ...]:
    """(words, link) of the redirects of a target: latest, last good, last failed."""
    return tuple(
        (
            which.replace("-", " "),
            urls.relative(page_path, urls.pointer_page(node.area, node.values, which)),
        )
        for which in node.pointers
    )


def sentence(node: NodeSummary) -> str:
    """What changed last below a node, in one sentence."""
    newest = node.newest
    if newest is None:
        return "" if node.problems else f"{words.upper_first(holds(node)) or 'No runs yet'}."
    open_part = words.progress(node.counts)
    tail = f" · {open_part[:1].lower()}{open_part[1:]}" if open_part else ""
    if node.targets > 1:
        moved = words.change(node)
        return f"{_targets_failing(node)}{': ' if moved else ''}{moved}{tail}"
    said = words.change(newest) or words.outcome(newest.counts).rstrip(".")
    return f"{newest.key.runname}: {said}{tail}"


def _targets_failing(node: NodeSummary) -> str:
    many = words.plural(node.targets, "target")
    if not node.bad_targets:
        return f"None of {many} fails"
    verb = "fails" if node.bad_targets == 1 else "fail"
    if node.bad_targets == node.targets:
        return f"All {many} fail"
    return f"{words.number(node.bad_targets)} of {many} {verb}"


def hidden(problems: Sequence[object]) -> str:
    """How many of the problems a page does not list, '' for none."""
    rest = len(problems) - MAX_PROBLEMS
    return words.number(rest) if rest > 0 else ""


def newest_of(node: NodeSummary) -> dict[str, object]:
    """When the newest run below began, and when the next is expected: for the head of a page."""
    return {
        "newest": words.when(node.newest.event_time) if node.newest else ("", ""),
        "expected": expected(node.expected_seconds),
        "late_seconds": node.late_seconds,
    }


def holds(node: NodeSummary) -> str:
    """'holds 45 runs of chipyard' for an area that took runs of others, else ''."""
    if not node.held:
        return ""
    return f"holds {words.plural(node.held, 'run')} of {node.satellite_of}"


def still_to_come(runs: int) -> str:
    """'17 000 older runs still to come' while the first build is not through, else ''."""
    return f"{words.plural(runs, 'older run')} still to come" if runs else ""


def expected(every_seconds: int) -> str:
    """'expected daily', 'expected every 6 h', '' when nobody said."""
    if every_seconds <= 0:
        return ""
    for period, word in _OFTEN:
        if every_seconds == period:
            return f"expected {word}"
    for unit, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if every_seconds % unit == 0:
            return f"expected every {every_seconds // unit} {name}"
    return f"expected every {words.duration(every_seconds)}"
