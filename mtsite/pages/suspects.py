"""The first bad push of a test, in words: known for sure, or one of some. Frozen with its run."""

from mtsite import urls
from mtsite.facts import Suspects, TestFacts
from mtsite.pages import words
from mtsite.pages.marks import short, subject
from mtsite.pages.place import RunPlace
from mtsite.provenance import provenance_of

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
    last = short(revision), _link(place, found, path)
    if found.total == 1:
        return (" First bad push: ", ""), last, (f"{by}{said}.", "")
    many = words.plural(found.total, "push", "pushes")
    return (f" Among {many} is the first bad one; the last of them: ", ""), last, (f"{by}.", "")


def _link(place: RunPlace, found: Suspects, path: str) -> str:
    """Only to the push of this very run: as long as this page is there, that one is."""
    if found.bad != place.run.key.runname:
        return ""
    told = provenance_of(place.run.attributes)
    return urls.relative(path, urls.push_page(told.repository, told.named)) if told.named else ""
