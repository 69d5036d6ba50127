"""What the page of a host shows: how its tests came out against others, its load, what ran when.

Only the runs whose rows are kept count; what a test did elsewhere is what other hosts made of it
in the 30 runs before, so a page changes only when something ran on its host.
"""

from collections.abc import Sequence

from msgspec import Struct

from mtsite import urls
from mtsite.model import RunKey, RunSummary
from mtsite.onhosts import Numbers, RanTest
from mtsite.pages import charts, loads, words
from mtsite.pages.page import SiteFrame, frame_context
from mtsite.pages.place import test_label

EDITION = 3
TEMPLATE = "host.html"
MOST_RUNS = 30
MOST_TESTS = 50
MOST_LOADS = 100
"""So many of its runs, the newest, have a point on the curves."""

LEAST_COMPARED = 20
LEAST_WRONG = 3
FACTOR = 2
SPREADS = 3

_BY = " by what other hosts made of them in the 30 runs before."

Ran = tuple[RunKey, RanTest]


class Shown(Struct, frozen=True):
    """One host: all its runs added up, the newest of them, and the tests that it ran last.

    `loads` are the numbers of `MOST_LOADS` runs, of which `runs` tell the newest.
    """

    host: str
    total: Numbers
    runs: tuple[tuple[RunSummary, Numbers], ...]
    tests: tuple[Ran, ...]
    loads: tuple[Numbers, ...] = ()


def stands_out(total: Numbers) -> bool:
    """Whether so many tests went wrong on a host that chance does not explain it.

    At least 3, twice what the others' share makes one expect, and by 3 standard deviations more.
    """
    over = 1000 * total.wrong - total.expected
    return (
        total.compared >= LEAST_COMPARED
        and total.wrong >= LEAST_WRONG
        and 1000 * total.wrong > FACTOR * total.expected
        and over * over > SPREADS * SPREADS * 1000 * total.spread
    )


def against_others(total: Numbers) -> str:
    """How a host does on tests that other hosts ran too, in words; with the number of them."""
    if not total.compared:
        return "No test that ran here ran on another host before"
    expected = words.scalar(round(total.expected / 1000, 1))
    tests = words.plural(total.compared, "test")
    wrong = words.number(total.wrong)
    return f"Of {tests} that others had too, {wrong} went wrong, {expected} expected"


def link(path: str, host: str) -> str:
    """The link from a page to the page of a host; '' for none."""
    return urls.relative(path, urls.host_page(host)) if host else ""


def context(frame: SiteFrame, shown: Shown) -> dict[str, object]:
    """The page of a host."""
    path = urls.host_page(shown.host)
    total = shown.total
    out = stands_out(total)
    style, symbol, word = words.mark("F" if out else "P")
    word = "stands out" if out else "as others"
    counts = _counts(total)
    runs = words.plural(total.runs, "run")
    lead = f"Ran {words.plural(total.tests, 'test')} of {runs}; {words.outcome(counts)}"
    hosts = ("hosts", urls.relative(path, urls.hosts_page()), "")
    made = frame_context(
        frame, path, (hosts,), title=f"{symbol} {word} {shown.host} · host", description=lead
    )
    return made | {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "host": shown.host,
        "lead": lead,
        "against": f"{against_others(total)}{_BY if total.compared else '.'}",
        "bar": charts.pass_bar(counts),
        "bar_label": words.counted(counts),
        "first_seen": words.when(total.first or None),
        "last_seen": words.when(total.last or None),
        "uname": total.uname,
        "runs_total": words.number(total.runs),
        "runs": tuple(_run(path, *one) for one in shown.runs),
        "loads": _loads(shown.loads),
        "tests": tuple(_test(path, *one) for one in shown.tests),
        "tests_total": words.number(total.tests),
        "runs_cut": len(shown.runs) < total.runs,
        "tests_cut": len(shown.tests) < total.tests,
    }


def _counts(total: Numbers) -> dict[str, int]:
    return {"F": total.bad, "P": total.judged - total.bad}


def _run(path: str, run: RunSummary, numbers: Numbers) -> dict[str, object]:
    style, symbol, word = words.mark("F" if numbers.bad else "P")
    return {
        "letter": style,
        "symbol": symbol,
        "word": f"{words.number(numbers.bad)} wrong" if numbers.bad else word,
        "name": run.key.runname,
        "target": "/".join((run.key.area, *run.key.target)),
        "href": urls.relative(path, urls.run_page(run.key)),
        "started": words.when(numbers.first or None),
        "tests": words.number(numbers.tests),
        "load": words.scalar(round(numbers.load, 2)) if numbers.load is not None else "",
        "disk": words.size(numbers.disk * 1024) if numbers.disk is not None else "",
    }


def _loads(runs: Sequence[Numbers]) -> dict[str, object] | None:
    """Highest load and least free space of each run, oldest first, as curves."""
    samples = [(one.last, one.load, one.disk) for one in reversed(runs) if one.last]
    samples = [one for one in samples if one[1] is not None or one[2] is not None]
    return loads.of_samples(samples, "Load and disk, run by run", "at")


def _test(path: str, key: RunKey, test: RanTest) -> dict[str, object]:
    style, symbol, word = words.mark(test.verdict)
    return {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "name": test_label((test.testname, test.item_path)),
        "href": urls.relative(path, urls.test_page(key, (test.testname, test.item_path))),
        "run": "/".join((key.area, *key.target, key.runname)),
        "run_href": urls.relative(path, urls.run_page(key)),
        "started": words.when(test.start),
        "took": words.duration(test.duration) if test.duration else "",
    }
