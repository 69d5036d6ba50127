"""The sentence on top of a run's page: what happened, what is not over, what moved. Pure."""

from collections.abc import Collection

from mtsite import urls
from mtsite.model import Run, RunFacts, RunSummary, TestName
from mtsite.pages import words
from mtsite.pages.chips import query_link
from mtsite.pages.entry import KNOWN, state_word

Piece = tuple[str, str, str]
"""(text, link or '', style or ''): a sentence is a row of pieces."""


def pieces(
    run: Run, summary: RunSummary, facts: RunFacts, path: str, muted: Collection[TestName] = ()
) -> tuple[Piece, ...]:
    """Each number is a link to the tests that it counts; those `muted` are known, not still bad."""
    counts = summary.counts
    if not words.total(counts):
        return (("This run has no tests.", "", ""),)
    told = _outcome(summary)
    progress = words.progress(counts)
    if progress:
        told.append((f" {progress}.", "", ""))
    if not facts.previous:
        if summary.known:
            told += [(" ", "", ""), _known(summary), (".", "", "")]
        told.append((" No previous run of this target to compare with.", "", "quiet"))
        return tuple(told)
    named: Piece = (facts.previous, run_link(path, run, facts.previous), "")
    moved = _moved(run, summary, facts, muted)
    if moved:
        return (*told, (" Against ", "", ""), named, (": ", "", ""), *moved, (".", "", ""))
    if facts.vanished or progress or words.bad(counts):
        tail = ": nothing new, nothing fixed."
        return (*told, (" Against ", "", ""), named, (tail, "", ""))
    return (*told, (" Nothing went wrong in ", "", ""), named, (" either.", "", ""))


def run_link(path: str, run: Run, runname: str) -> str:
    """The link from a page to another run of the same target."""
    directory = urls.area_dir(run.key.area, run.key.target)
    return urls.relative(path, urls.page(f"{directory}/{urls.segment(runname)}", "index.html"))


def _outcome(summary: RunSummary) -> list[Piece]:
    counts = summary.counts
    wrong = words.bad(counts)
    if not wrong:
        return [(words.outcome(counts), "", "lead")]
    kinds = [one for one in words.WORST_FIRST if one in words.BAD_LETTERS and counts.get(one)]
    share = f"{words.number(wrong)} of {words.plural(words.total(counts), 'test')}"
    told: list[Piece] = [(share, query_link("s:bad", "failures"), "count")]
    if len(kinds) == 1:
        return [*told, (f" {words.COUNTED[kinds[0]]}.", "", "lead")]
    told.append((" went wrong: ", "", "lead"))
    for letter in kinds:
        text = f"{words.number(counts[letter])} {words.COUNTED[letter]}"
        link = query_link(f"s:{state_word(letter)}", "failures")
        told += [(text, link, "count"), (", ", "", "")]
    return [*told[:-1], (".", "", "")]


def _moved(
    run: Run, summary: RunSummary, facts: RunFacts, muted: Collection[TestName]
) -> list[Piece]:
    """What is new, still bad or fixed, and what went wrong before and has no verdict now."""
    moved: list[Piece] = []
    for number, word, text, style in (
        (summary.new, "new", "new", "new"),
        (summary.known, "known", KNOWN, "count"),
        (summary.still, "still failing", "still", "count"),
        (_flaky(run, facts, muted), "of them flaky", "still flaky", "count"),
        (summary.fixed, "fixed", "fixed", "fixed"),
        (_unjudged(run, facts), "that went wrong there without a verdict here", "", ""),
    ):
        if number:
            anchor = "fixed" if text == "fixed" else "failures"
            link = query_link(text, anchor) if text else ""
            moved += [(", ", "", ""), (f"{words.number(number)} {word}", link, style)]
    return moved[1:]


def _known(summary: RunSummary) -> Piece:
    return f"{words.number(summary.known)} known", query_link(KNOWN, "failures"), "count"


def _flaky(run: Run, facts: RunFacts, muted: Collection[TestName]) -> int:
    """How many of the tests that still fail are flaky."""
    return sum(
        past.flaky and past.change == "still"
        for test in run.tests
        if not test.toplevel
        and test.name not in muted
        and (past := facts.tests.get(test.name)) is not None
    )


def _unjudged(run: Run, facts: RunFacts) -> int:
    """How many tests were bad in the run compared with, and were skipped or did not end here."""
    if facts.previous not in facts.window:
        return 0
    back = len(facts.window) - facts.window.index(facts.previous)
    strips = [
        facts.tests[t.name].strip for t in run.tests if not t.toplevel and t.name in facts.tests
    ]
    return sum(
        len(strip) >= back and strip[-back] in words.BAD_LETTERS and strip[-1] in "RNS"
        for strip in strips
    )
