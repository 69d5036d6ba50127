"""What the page of one test, or of one item, in one run shows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from mtsite import urls
from mtsite.comparison import is_slower
from mtsite.facts import KnownIssue, Unusual
from mtsite.model import LogRecord, Run, RunFacts, Test, TestRecord
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
from mtsite.pages.page import SiteFrame
from mtsite.pages.place import RunPlace, test_label
from mtsite.pages.series import Chart
from mtsite.rollup import ABSENT

EDITION = 19
TEMPLATE = "test.html"

_NO_DIRECTORY = frozenset({"", "n/a", "/tmp/badname"})


def context(
    frame: SiteFrame,
    run: Run,
    index: int,
    verdicts: Sequence[str],
    record: TestRecord | None,
    facts: RunFacts,
    place: RunPlace | None = None,
    differences: Sequence[disagreement.Disagreement] | None = None,
    unusual: Unusual | None = None,
    known: Sequence[KnownIssue] = (),
    not_compared: str = "",
    heads: Mapping[str, bytes] = MappingProxyType({}),
) -> dict[str, object]:
    """The page of `run.tests[index]`.

    `verdicts` line up with `run.tests`. `place` is what all tests of the run share: pass the same
    one for each of them to save its making. `differences` are those of this test, where known;
    `unusual` is what its log was found to have against the last good one, `known` what
    annotations say of its failure, `not_compared` why nothing is known of unusual lines,
    `heads` the beginnings of texts among its attachments.
    """
    place = place or RunPlace(frame, run, verdicts, facts)
    test = run.tests[index]
    path = urls.test_page(run.key, test.name)
    depth = place.depth_of(path)
    letter = place.letters[index]
    kept: Sequence[LogRecord] = record.logs if record else ()
    shown = dict(depth.base)
    shown.update(_heading(place, test, letter, path))
    shown.update(_facts_line(place, test, (path, letter)))
    shown.update(since.shown(place, test, depth, path))
    shown.update(_neighbours(place, index, path))
    if differences is None:
        differences = disagreement.of_test(run.key, test, letter, kept)
    shown["disagreements"] = differences
    shown["excerpt"] = wrong.shown(place, index, kept, path)
    shown["not_compared"] = words.upper_first(not_compared)
    shown["unusual"] = strange.shown(run.key, unusual, path, test.name)
    shown["issues"] = issues.of_test(path, known)
    told = logs.shown(kept, run, test, path, depth)
    shown.update(told)
    shown.update(steps.shown(test.steps, told["logs"], ended=letter != "R"))
    fact = facts.tests.get(test.name)
    shown.update(values.shown(test.data, fact.values if fact else ()))
    shown["series"] = _series(place, test, path) if fact and fact.values else None
    shown.update(attachments.shown(record.attachments if record else (), heads, depth.to_root))
    shown.update(items.shown(place, test, path))
    shown.update(waits.shown(place.relations, test.name, path))
    shown["archived"] = archived.shown(run, test)
    shown["loads"] = loads.shown(test)
    shown["environment"] = _environment(place, test)
    shown.update(_commands(run, test))
    shown["definition"] = definition.shown(place, test)
    shown["comment"] = markdown.folded_comment(test.comment)
    shown["night"] = night.link(frame, path, run.key.area, run.event_time)
    shown["history"] = urls.relative(
        path, urls.history_page(run.key.area, run.key.target, test.name)
    )
    return shown


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
    past, window = facts.values, place.facts.window
    longest = max(map(len, past), default=0)
    key = place.run.key
    letters = zip(reversed(window), reversed(facts.strip), strict=False)
    # A run that did not have the test has no page of it.
    absent = {name for name, letter in letters if letter == ABSENT}
    runs = [
        (name, urls.relative(path, urls.test_page(replace(key, runname=name), test.name)))
        if name not in absent
        else (name, "")
        for name in window[-longest:]
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


def _environment(place: RunPlace, test: Test) -> tuple[tuple[str, str], ...]:
    """(label, value) of where it ran; what the rows don't say is left out."""
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
    return tuple((label, value) for label, value in rows if value and value != "n/a")
