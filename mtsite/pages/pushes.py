"""What the list of pushes of a repository shows: the newest first, each with its runs.

Parts are counted from the oldest push and stay where they are; the newest ones stand on the page
of the repository, too. What nobody told of, and runs name, stands there by when it ran.
"""

from collections.abc import Sequence

from msgspec import Struct

from mtsite import urls
from mtsite.model import RunKey
from mtsite.pages import words
from mtsite.pages.marks import MOST_MARKS, marks, short, subject
from mtsite.pages.page import Crumb, SiteFrame, frame_context
from mtsite.provenance import Push

EDITION = 4
TEMPLATE = "pushes.html"
MOST_UNTOLD = 100
MOST_SUBJECTS = 3
MOST_PARTS = 400

ShownRun = tuple[RunKey, str]
"""A run and its verdict letter."""


class Line(Struct, frozen=True):
    """A push of the list with its runs; `revision` is what its page is called by."""

    push: Push
    revision: str
    runs: tuple[ShownRun, ...]


class Shown(Struct, frozen=True):
    """Some pushes, newest first, of `total`; `part` None on the page of the repository.

    `untold` are pushes that runs name and nobody told of, and which are on that page only. A part
    knows of no `total`, and of no `parts` beyond the next one: it would change with every push.
    """

    repository: str
    part: int | None
    parts: int
    total: int
    lines: tuple[Line, ...]
    untold: tuple[Line, ...] = ()


def crumbs_of(path: str, repository: str = "") -> list[Crumb]:
    """The ancestors of a page of pushes."""
    found = [("pushes", urls.relative(path, urls.repositories_page()), "")]
    if repository:
        link = urls.relative(path, urls.pushes_page(repository))
        found.append((repository, link, "repository"))
    return found


def name_of(repository: str) -> str:
    """What a repository is called; runs may name none."""
    return repository or "(no repository)"


def anchor_of(revision: str) -> str:
    """The place of a push in a list: apart from all others of the page, as `main` is one."""
    return f"push-{urls.segment(revision)}"


def context(frame: SiteFrame, shown: Shown) -> dict[str, object]:
    """One part of the list, or the page of the repository."""
    path = urls.pushes_page(shown.repository, shown.part)
    lead = _lead(shown)
    name = name_of(shown.repository)
    whole = shown.part is None
    crumbs = crumbs_of(path, "" if whole else shown.repository)
    made = frame_context(frame, path, crumbs, title=f"Pushes to {name}", description=lead)
    here = shown.parts - 1 if shown.part is None else shown.part
    return made | {
        "twin": urls.relative(path, urls.json_beside(path)),
        "repository": name,
        "lead": lead,
        "whole": whole,
        "newest": "" if whole else urls.relative(path, urls.pushes_page(shown.repository)),
        "lines": _lines(path, shown.repository, shown.lines),
        "untold": _lines(path, shown.repository, shown.untold),
        "untold_cut": len(shown.untold) >= MOST_UNTOLD,
        "here": here + 1,
        "older": "" if whole else _part_link(path, shown, here - 1),
        "newer": "" if whole else _part_link(path, shown, here + 1),
        "parts": _parts(path, shown) if whole else (),
        "parts_total": shown.parts,
    }


def _part_link(path: str, shown: Shown, part: int) -> str:
    """The link to a part; '' where there is none."""
    there = 0 <= part < shown.parts
    return urls.relative(path, urls.pushes_page(shown.repository, part)) if there else ""


def _parts(path: str, shown: Shown) -> tuple[tuple[int, str], ...]:
    """The newest parts by their numbers; older ones are led to by those."""
    first = max(0, shown.parts - MOST_PARTS)
    return tuple((n + 1, _part_link(path, shown, n)) for n in range(shown.parts - 1, first - 1, -1))


def _lead(shown: Shown) -> str:
    many = words.plural(shown.total, "push", "pushes")
    if shown.part is not None:
        return f"Part {shown.part + 1}, counted from the oldest; in it the newest stands first."
    if shown.total == 1:
        return "1 push, with the runs that tested it."
    if shown.total:
        return f"{many}, the newest first, each with the runs that tested it."
    if len(shown.untold) == 1:
        return "Nobody told which pushes there are; runs name this one."
    return "Nobody told which pushes there are: those that runs name, by when they ran."


def _lines(path: str, repository: str, lines: Sequence[Line]) -> tuple[dict[str, object], ...]:
    return tuple(_line(path, repository, one) for one in lines)


def _line(path: str, repository: str, one: Line) -> dict[str, object]:
    push = one.push
    subjects = [subject(each.message) for each in reversed(push.commits) if each.message]
    rest = len(push.commits) - min(len(subjects), MOST_SUBJECTS)
    page = urls.relative(path, urls.push_page(repository, one.revision)) if one.runs else ""
    return {
        "anchor": anchor_of(one.revision),
        "name": short(one.revision),
        "href": page,
        "id": push.id,
        "author": words.first_line(push.by),
        "when": words.when(push.time),
        "subjects": tuple(subjects[:MOST_SUBJECTS]),
        "rest": words.plural(rest, "more commit") if rest and subjects else "",
        "marks": marks(path, one.runs),
        "marks_cut": words.number(len(one.runs) - MOST_MARKS) if len(one.runs) > MOST_MARKS else "",
    }
