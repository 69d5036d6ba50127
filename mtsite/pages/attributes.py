"""What is known of a run beside its columns: its build, its push, what its files said of it."""

from mtsite.model import Run
from mtsite.pages import words
from mtsite.pages.weight import weight, within

OPEN = 12
"""So many are seen at once; the others are folded."""

ROOM = 12_000
LONGEST = 300
Attribute = tuple[str, str, str]


def of_run(run: Run) -> dict[str, object]:
    """Names, values and links of the first, of those that are folded, and how many there are."""
    rows: list[Attribute] = []
    for name, value in run.attributes:
        shown = value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
        rows.append((name, shown, words.web_link(value)))
    kept = within(rows, (60 + weight(*row) for row in rows), ROOM)
    return {
        "attributes": kept[:OPEN],
        "attributes_folded": kept[OPEN:],
        "attributes_shown": len(kept),
        "attributes_total": len(rows),
    }
