"""What stands out in one run: slow tests, changed durations, hosts. Pure."""

from collections import Counter
from collections.abc import Sequence

from mtsite import urls
from mtsite.model import Run, RunFacts
from mtsite.pages import words
from mtsite.pages.place import test_label

TOP = 5
_HOST_LEAST = 3
_HOST_FACTOR = 2

Line = tuple[str, str, str]
"""(name, link, what stands out)."""


def slowest(run: Run) -> tuple[Line, ...]:
    """The five tests that took longest."""
    timed = [
        (test.run_duration, i)
        for i, test in enumerate(run.tests)
        if test.run_duration and test.run_duration > 0 and not test.toplevel
    ]
    timed.sort(key=lambda pair: (-pair[0], pair[1]))
    return tuple((*_name(run, i), words.duration(took)) for took, i in timed[:TOP])


def most_changed(run: Run, facts: RunFacts) -> tuple[Line, ...]:
    """The five whose duration moved furthest from usual: by half at least, and by 10 s."""
    moved = []
    for i, test in enumerate(run.tests):
        past = facts.tests.get(test.name)
        took = test.run_duration
        if test.toplevel or past is None or not past.usual or not took or took < 0:
            continue
        off = took - past.usual
        if abs(off) >= 10 and (took > past.usual * 1.5 or took * 1.5 < past.usual):
            moved.append((abs(off), i, took, past.usual))
    moved.sort(key=lambda row: (-row[0], row[1]))
    return tuple(
        (
            *_name(run, i),
            f"{words.duration(usual)} → {words.duration(took)} {'▲' if took > usual else '▼'}",
        )
        for _, i, took, usual in moved[:TOP]
    )


def hosts(run: Run, letters: Sequence[str]) -> tuple[Line, ...]:
    """(host, link, '6 of 8 went wrong, elsewhere 4 of 300') for hosts that stand out.

    A host stands out when at least 3 of its tests went wrong and their share is more than twice
    the share on all other hosts of this run. Tests that run or never ran don't count.
    """
    ran: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for test, letter in zip(run.tests, letters, strict=True):
        if test.toplevel or letter in "RN" or not test.host or test.host == "n/a":
            continue
        ran[test.host] += 1
        wrong[test.host] += letter in words.BAD_LETTERS
    everything, all_wrong = ran.total(), wrong.total()
    found = []
    for host in sorted(ran):
        others, others_wrong = everything - ran[host], all_wrong - wrong[host]
        if wrong[host] < _HOST_LEAST or not others:
            continue
        if wrong[host] * others > _HOST_FACTOR * others_wrong * ran[host]:
            share = f"{wrong[host]} of {words.number(ran[host])} went wrong"
            found.append(
                (
                    -wrong[host] / ran[host],
                    host,
                    f"{share}, elsewhere {others_wrong} of {words.number(others)}",
                )
            )
    path = urls.run_page(run.key)
    return tuple(
        (host, urls.relative(path, urls.host_page(host)), sentence)
        for _, host, sentence in sorted(found)[:TOP]
    )


def host_names(run: Run) -> str:
    """The one host, or how many there were."""
    names = {test.host for test in run.tests if test.host and test.host != "n/a"}
    return names.pop() if len(names) == 1 else words.plural(len(names), "host") if names else ""


def _name(run: Run, index: int) -> tuple[str, str]:
    test = run.tests[index]
    link = urls.relative(urls.run_page(run.key), urls.test_page(run.key, test.name))
    return test_label(test.name), link
