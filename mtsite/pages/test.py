"""What the page of one test, or of one item, in one run shows."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import urls
from mtsite.comparison import is_slower
from mtsite.facts import KnownIssue, Unusual
from mtsite.model import LogRecord, Run, Test, TestRecord
from mtsite.onhosts import ran_on
from mtsite.pages import (
    archived,
    attachments,
    definition,
    disagreement,
    host,
    issues,
    items,
    loads,
    logs,
    markdown,
    meaning,
    night,
    rerun,
    since,
    steps,
    strange,
    values,
    waits,
    words,
    wrong,
)
from mtsite.pages.place import RunPlace, test_label
from mtsite.pages.series import Chart
from mtsite.rollup import ABSENT

EDITION = 19
TEMPLATE = "test.html"

_NO_DIRECTORY = frozenset({"", "n/a", "/tmp/badname"})


class Found(Struct, frozen=True):
    """What a build found out about one test beside its rows, its record and its facts."""

    differences: Sequence[disagreement.Disagreement] | None = None
    """Where its sources disagree; None: to be looked for."""
    unusual: Unusual | None = None
    """What its log has against the last good one."""
    not_compared: str = ""
    """Why nothing is known of unusual lines."""
    known: Sequence[KnownIssue] = ()
    """What annotations say of its failure."""
    heads: Mapping[str, bytes] = field(default_factory=dict)
    """The beginnings of texts among its attachments."""


def context(
    place: RunPlace, index: int, record: TestRecord | None, found: Found | None = None
) -> dict[str, object]:
    """The page of `place.run.tests[index]`."""
    found = found or Found()
    test = place.run.tests[index]
    path = urls.test_page(place.run.key, test.name)
    letter = place.letters[index]
    kept: Sequence[LogRecord] = record.logs if record else ()
    depth = place.depth_of(path)
    shown = dict(depth.base)
    shown.update(_heading(place, test, letter, path))
    shown.update(_facts_line(place, test, (path, letter)))
    shown.update(since.shown(place, test, depth, path))
    shown.update(_went_wrong(place, index, kept, found))
    told = logs.shown(kept, place.run, test, path, depth)
    shown.update(told)
    shown.update(steps.shown(test.steps, told["logs"], ended=letter != "R"))
    shown.update(_measured(place, test, path))
    kept_files = record.attachments if record else ()
    shown.update(attachments.shown(kept_files, found.heads, depth.to_root))
    shown.update(_ran(place, test))
    shown.update(_author_says(place, test))
    shown.update(_around(place, index, path))
    return shown


def _went_wrong(
    place: RunPlace, index: int, kept: Sequence[LogRecord], found: Found
) -> dict[str, object]:
    """What its sources, its logs and people say of its outcome."""
    run, test = place.run, place.run.tests[index]
    path = urls.test_page(run.key, test.name)
    differences = found.differences
    if differences is None:
        differences = disagreement.of_test(run.key, test, place.letters[index], kept)
    return {
        "disagreements": differences,
        "excerpt": wrong.shown(place, index, kept, path),
        "unusual": strange.shown(run.key, found.unusual, path, test.name),
        "not_compared": words.upper_first(found.not_compared),
        "issues": issues.of_test(path, found.known),
    }


def _measured(place: RunPlace, test: Test, path: str) -> dict[str, object]:
    fact = place.facts.tests.get(test.name)
    past = fact.values if fact else ()
    shown = dict(values.shown(test.data, past))
    shown["series"] = _series(place, test, path) if past else None
    return shown


def _ran(place: RunPlace, test: Test) -> dict[str, object]:
    """Where and under what load it ran, where it lies now, and how it is run again."""
    return {
        "environment": _environment(place, test),
        "loads": loads.shown(test),
        "archived": archived.shown(place.run, test),
        **_commands(place.run, test),
    }


def _author_says(place: RunPlace, test: Test) -> dict[str, object]:
    return {
        "definition": definition.shown(place, test),
        "comment": markdown.folded_comment(test.comment),
    }


def _around(place: RunPlace, index: int, path: str) -> dict[str, object]:
    """Its items, what it waits for, and the ways to other pages."""
    run, test = place.run, place.run.tests[index]
    key = run.key
    return {
        **_neighbours(place, index, path),
        **items.shown(place, test, path),
        **waits.shown(place.relations, test.name, path),
        "night": night.link(place.frame, path, key.area, run.event_time),
        "history": urls.relative(path, urls.history_page(key.area, key.target, test.name)),
    }


def _commands(run: Run, test: Test) -> dict[str, object]:
    """What a reader takes to a terminal. Megatest knows nothing of a run that was ingested."""
    again = "" if run.ingested else rerun.rerun_command(run.key, test)
    return {
        "copies": _copies(test, again),
        "commands": (("run it again", again),) if again else (),
        "matches_more": bool(again) and rerun.matches_more(test),
    }


def _series(place: RunPlace, test: Test, path: str) -> Chart | None:
    """What the test measured in the last runs, with links to itself in them."""
    facts = place.facts.tests[test.name]
    depth = place.depth_of(path)
    past, window = facts.values, place.window_links(depth)
    longest = max(map(len, past), default=0)
    key = place.run.key
    tail = place.tail_in_window(depth, path)

    def page_in(name: str, directory: str) -> str:
        if tail and name != key.runname:
            return directory + tail
        return urls.relative(path, urls.test_page(replace(key, runname=name), test.name))

    letters = zip(reversed(window), reversed(facts.strip), strict=False)
    # A run that did not have the test has no page of it.
    absent = {name for (name, _), letter in letters if letter == ABSENT}
    runs = [
        (name, "" if name in absent else page_in(name, directory))
        for name, directory in window[-longest:]
    ]
    return values.series(test.data, past, runs)


def _heading(place: RunPlace, test: Test, letter: str, path: str) -> dict[str, object]:
    style, symbol, word = words.mark(letter)
    label = test_label(test.name)
    base = place.frame.base_url.rstrip("/")
    return {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "testname": test.testname,
        "item_path": test.item_path,
        "state": test.state,
        "status": test.status,
        "meaning": meaning.meaning(test, letter),
        "toplevel": test.toplevel,
        "title": f"{symbol} {word} {label} · {place.label}",
        "description": f"{label} in {place.label}: {word} ({test.state} {test.status})",
        "address": f"{base}/{path}" if base else "",
    }


def _facts_line(place: RunPlace, test: Test, here: tuple[str, str]) -> dict[str, object]:
    path, letter = here
    facts = place.facts.tests.get(test.name)
    usual = facts.usual if facts else None
    started = test.event_time if test.state != "NOT_STARTED" else None
    return {
        "started": words.when(started),
        "took": words.took(test),
        "usual": words.duration(usual) if usual else "",
        "slower": is_slower(test.run_duration, usual),
        "host": test.host if test.host != "n/a" else "",
        "host_href": host.link(path, ran_on(test, letter)),
    }


def _neighbours(place: RunPlace, index: int, path: str) -> dict[str, object]:
    tests = place.run.tests
    before, after = place.bad_neighbours[index]
    top = place.toplevels.get(tests[index].testname) if tests[index].item_path else None
    return {
        "bad_before": _named(place, path, before),
        "bad_after": _named(place, path, after),
        "parent": _named(place, path, top if top is not None else -1),
    }


def _named(place: RunPlace, path: str, index: int) -> tuple[str, str] | None:
    if index < 0:
        return None
    test = place.run.tests[index]
    return test_label(test.name), place.test_link(path, test)


def _copies(test: Test, again: str) -> tuple[tuple[str, str], ...]:
    """(what it is, text) of what a reader takes to a terminal."""
    ran = test.rundir not in _NO_DIRECTORY and test.state != "NOT_STARTED"
    rows = (
        ("name", test_label(test.name)),
        ("run directory", test.rundir if ran else ""),
        ("rerun command", again),
    )
    return tuple((label, text) for label, text in rows if text)


def _environment(place: RunPlace, test: Test) -> tuple[tuple[str, str, list[str]], ...]:
    """(label, value to its first slash, pieces after it) of where it ran; unknown is left out."""
    rows = [*place.keys, ("host", test.host), ("system", test.uname)]
    if test.cpuload is not None and test.cpuload >= 0:
        rows.append(("CPU load", words.scalar(test.cpuload)))
    if test.diskfree is not None and test.diskfree >= 0:
        rows.append(("disk free", words.size(test.diskfree * 1024)))
    if place.run.unsampled and test.state != "NOT_STARTED":
        rows.append(("load samples", "not shown: they could not be looked through"))
    if test.attemptnum and test.attemptnum > 0:
        rows.append(("process id", str(test.attemptnum)))
    if test.state != "NOT_STARTED":
        rows += [("run directory", test.rundir), ("final log", test.final_logf)]
    parts = ((label, value.split("/")) for label, value in rows if value and value != "n/a")
    return tuple((label, pieces[0], pieces[1:]) for label, pieces in parts)
