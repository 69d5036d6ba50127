"""What is known of a run beside its columns: its build, its push, what its files said of it."""

from mtsite import urls
from mtsite.model import Run
from mtsite.pages import words
from mtsite.pages.marks import short
from mtsite.pages.weight import weight, within
from mtsite.provenance import provenance_of

OPEN = 12
"""So many are seen at once; the others are folded."""

ROOM = 12_000
LONGEST = 300
Attribute = tuple[str, str, str]


def of_run(run: Run, path: str) -> dict[str, object]:
    """Names, values and links of the first, of those that are folded, and how many there are.

    Beside them the page of its push, as it names it itself, and those of its builds.
    """
    rows: list[Attribute] = []
    for name, value in run.attributes:
        shown = value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
        rows.append((name, shown, words.web_link(value)))
    kept = within(rows, (60 + weight(*row) for row in rows), ROOM)
    found = provenance_of(run.attributes)
    push = urls.push_page(found.repository, found.named)
    return {
        "push": (short(found.named), urls.relative(path, push)) if found.named else None,
        "builds": tuple(
            (one.id, urls.relative(path, urls.build_page(found.repository, one.id)))
            for one in found.builds
        ),
        "attributes": kept[:OPEN],
        "attributes_folded": kept[OPEN:],
        "attributes_shown": len(kept),
        "attributes_total": len(rows),
    }


def twin_of(run: Run) -> dict[str, object]:
    """The pages of its push, null where it names none, and of its builds, for its JSON twin."""
    found = provenance_of(run.attributes)
    return {
        "push": urls.push_page(found.repository, found.named) if found.named else None,
        "builds": [urls.build_page(found.repository, one.id) for one in found.builds],
    }
