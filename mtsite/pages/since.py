"""Since when a test goes as it goes: one sentence, the strip of its last runs, their durations.

All of it is frozen in the record of the run: no later run changes what stands here.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from mtsite import urls
from mtsite.model import Test, TestFacts
from mtsite.pages import charts, suspects, waived, words
from mtsite.pages.place import Depth, RunPlace
from mtsite.rollup import ABSENT, switches
from mtsite.stability import possible_switches

Piece = tuple[str, str]
"""(text, link): '' for no link."""

_MARKS = {letter: words.mark(letter) for letter in words.SYMBOLS}
_NO_FACTS = "No earlier run of this target to compare with."


def shown(place: RunPlace, test: Test, depth: Depth, path: str) -> dict[str, object]:
    """What a template needs to say since when; cells are (style, symbol, link, words)."""
    facts = place.facts.tests.get(test.name)
    if facts is None or len(facts.strip) < 2:
        return {
            "since": ((_NO_FACTS, ""),),
            "strip": (),
            "here": (),
            "strip_label": "",
            "spark": None,
            "flaky": "",
        }
    window = place.window_links(depth)
    strip = facts.strip[-len(window) :] if window else ""
    took = facts.took[-len(strip) :] if len(facts.took) >= len(strip) else ()
    tail = place.tail_in_window(depth, path)
    cells = []
    for i, (letter, (name, directory)) in enumerate(zip(strip, window[-len(strip) :], strict=True)):
        style, symbol, word = _MARKS[letter] if letter in _MARKS else words.mark(letter)
        link = directory + tail if tail else _other_run(place, test, path, name)
        text = "" if style in "Px" else symbol
        said = f"{name}: {word}, {words.duration(took[i])}" if took and took[i] else ""
        cells.append((style, text, "" if style == "x" else link, said or f"{name}: {word}"))
    here = (cells.pop(),) if cells else ()
    return {
        "since": (*_sentence(place, test, path, facts), *suspects.pieces(place, facts, path)),
        "strip": tuple(cells),
        "here": here,
        "strip_label": words.strip_words(strip) if strip else "",
        "spark": charts.duration_spark(took),
        "flaky": _flaky_words(facts.strip) if facts.flaky else "",
    }


def _flaky_words(strip: str) -> str:
    """Its score, with what it is made of."""
    number, possible = switches(strip), possible_switches(strip)
    score = f"{100 * number / possible:.0f}{words.THIN}%"
    runs = words.plural(len(strip), "run")
    return f"flaky: {score}, {number} of {possible} possible switches in {runs}"


def _other_run(place: RunPlace, test: Test, path: str, runname: str) -> str:
    key = place.run.key
    return urls.relative(path, urls.test_page(replace(key, runname=runname), test.name))


def _sentence(place: RunPlace, test: Test, path: str, facts: TestFacts) -> tuple[Piece, ...]:
    previous = place.facts.previous

    def named(runname: str) -> Piece:
        return runname, _other_run(place, test, path, runname)

    if facts.change == "new":
        return _new_words(place, test, path, facts)
    if facts.since:
        return _bad_words(facts, named(facts.since), named(facts.last_good))
    if facts.change == "fixed":
        return ("Fixed in this run: it went wrong in ", ""), named(previous), (".", "")
    if facts.strip.endswith("V"):
        return _waived_words(place, test, path, facts)
    return ()


def _bad_words(facts: TestFacts, since: Piece, good: Piece) -> tuple[Piece, ...]:
    many = f"{facts.since_runs}+ runs" if facts.capped else words.plural(facts.since_runs, "run")
    pieces: list[Piece] = [("Going wrong since ", ""), since, (f", {many} now", "")]
    if facts.last_good:
        pieces += [("; last good in ", ""), good]
    elif facts.capped:
        pieces.append(("; the look back ends at 100 runs", ""))
    return *pieces, (".", "")


def _new_words(place: RunPlace, test: Test, path: str, facts: TestFacts) -> tuple[Piece, ...]:
    """Where it was good last; else what the run compared with says of it, if it has it at all."""
    previous = place.facts.previous
    if facts.last_good:
        good = facts.last_good, _other_run(place, test, path, facts.last_good)
        return ("New in this run: it was good in ", ""), good, (".", "")
    letter = dict(_runs(place, facts)).get(previous, ABSENT)
    if letter == ABSENT:
        page = urls.run_page(replace(place.run.key, runname=previous))
        run = previous, urls.relative(path, page)
        return ("New in this run: it was not among the tests of ", ""), run, (".", "")
    before = previous, _other_run(place, test, path, previous)
    return ("New in this run; in ", ""), before, (f": {words.mark(letter)[2]}.", "")


def _waived_words(place: RunPlace, test: Test, path: str, facts: TestFacts) -> tuple[Piece, ...]:
    """Megatest hands a waiver on from run to run: where it comes from, as far as is known."""
    found = waived.chain(place.facts.window, facts.strip)

    def named(runname: str) -> Piece:
        return runname, _other_run(place, test, path, runname)

    if not found.runs:
        return ()
    before: Sequence[Piece] = ((".", ""),)
    if found.before is not None:
        name, letter = found.before
        before = (". In ", ""), named(name), (f": {words.mark(letter)[2]}.", "")
    if len(found.runs) == 1:
        return ("Waived in this run", ""), *before
    many = f", {found.length}: the waiver is handed on from run to run, to this one from "
    return ("Waived since ", ""), named(found.runs[0]), (many, ""), named(found.runs[-2]), *before


def _runs(place: RunPlace, facts: TestFacts) -> list[tuple[str, str]]:
    """(runname, letter) of the runs that the strip shows, oldest first."""
    window = place.facts.window[-len(facts.strip) :]
    return list(zip(window, facts.strip[-len(window) :], strict=True)) if window else []
