"""The first bad push of a test, in words: known for sure, or one of some. Frozen with its run."""

from collections import Counter

from mtsite import urls
from mtsite.facts import RunFacts, Suspects, TestFacts
from mtsite.model import Run
from mtsite.pages import words
from mtsite.pages.marks import short, subject
from mtsite.pages.place import RunPlace
from mtsite.provenance import provenance_of

MOST = 5
Piece = tuple[str, str]


def of_test(place: RunPlace, facts: TestFacts) -> Suspects | None:
    """What lies between the last good run of a test and its first bad one."""
    return place.suspects.get(facts.turn(place.run.key.runname))


def pieces(place: RunPlace, facts: TestFacts | None, path: str) -> tuple[Piece, ...]:
    """A sentence of texts with links, '' for none; () where nobody told of pushes."""
    found = of_test(place, facts) if facts else None
    if found is None:
        return ()
    revision, author, message = found.pushes[0]
    by = f" by {author}" if author else ""
    said = f": {subject(message)}" if message else ""
    last = short(revision), _link(place.run, found, path)
    if found.total == 1:
        return (" First bad push: ", ""), last, (f"{by}{said}.", "")
    many = words.plural(found.total, "push", "pushes")
    return (f" Among {many} is the first bad one; the last of them: ", ""), last, (f"{by}.", "")


def of_run(run: Run, facts: RunFacts, path: str) -> tuple[tuple[str, str, str], ...]:
    """(push, link, how many tests since which run) of those that most tests of a run name."""
    tops = {one.name for one in run.tests if one.toplevel}
    tests = (one for name, one in facts.tests.items() if name not in tops)
    turns = Counter(one.turn(run.key.runname) for one in tests)
    return tuple(_line(run, one, turns[one.good, one.bad], path) for one in facts.suspects[:MOST])


def _line(run: Run, one: Suspects, tests: int, path: str) -> tuple[str, str, str]:
    revision, author, _ = one.pushes[0]
    by = f" by {author}" if author else ""
    name = f"{short(revision)}{by}"
    if one.total > 1:
        name = f"one of {words.plural(one.total, 'push', 'pushes')} up to {name}"
    return name, _link(run, one, path), f"{words.plural(tests, 'test')} since {one.bad}"


def _link(run: Run, found: Suspects, path: str) -> str:
    """Only to the push of this very run: as long as this page is there, that one is."""
    if found.bad != run.key.runname:
        return ""
    told = provenance_of(run.attributes)
    return urls.relative(path, urls.push_page(told.repository, told.named)) if told.named else ""
