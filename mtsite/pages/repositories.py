"""What the list of repositories shows: those that runs name, or whose pushes are known."""

from collections.abc import Sequence

from msgspec import Struct

from mtsite import urls
from mtsite.pages import words
from mtsite.pages.marks import marks, short, subject
from mtsite.pages.page import SiteFrame, frame_context
from mtsite.pages.pushes import Line, name_of

EDITION = 2
TEMPLATE = "repositories.html"


class Repository(Struct, frozen=True):
    """A repository: how many pushes and runs it has, and the newest push with runs, if any."""

    name: str
    pushes: int
    runs: int
    newest: Line | None = None


def context(frame: SiteFrame, found: Sequence[Repository]) -> dict[str, object]:
    """The page of all repositories, in the order given."""
    path = urls.repositories_page()
    many = words.plural(len(found), "repository", "repositories")
    those = "one that runs name, or whose" if len(found) == 1 else "those that runs name, or whose"
    lead = f"{many}: {those} pushes are known."
    made = frame_context(frame, path, (), title="Pushes", description=lead)
    twin = urls.relative(path, urls.json_beside(path))
    return made | {"twin": twin, "lead": lead, "rows": tuple(_row(path, one) for one in found)}


def _row(path: str, one: Repository) -> dict[str, object]:
    newest = one.newest
    message = newest.push.commits[-1].message if newest else ""
    return {
        "name": name_of(one.name),
        "href": urls.relative(path, urls.pushes_page(one.name)),
        "pushes": words.number(one.pushes) if one.pushes else "",
        "runs": words.number(one.runs),
        "newest": short(newest.revision) if newest else "",
        "newest_href": urls.relative(path, urls.push_page(one.name, newest.revision))
        if newest
        else "",
        "subject": subject(message),
        "when": words.when(newest.push.time) if newest else ("", ""),
        "marks": marks(path, newest.runs) if newest else (),
    }
