"""The items of an iterated test: how many went how, Megatest's roll-up, and a row for each."""

from mtsite.model import Test
from mtsite.pages import charts, words
from mtsite.pages.place import RunPlace
from mtsite.rollup import roll_up_items

MAX_ITEMS = 1000
STRIP_RUNS = 10


def shown(place: RunPlace, test: Test, path: str) -> dict[str, object]:
    """Items as (style, symbol, word, item path, link, took, stretches of the last runs, the same
    in words), worst first; () for a plain test."""
    if not test.toplevel:
        return {"items": (), "items_total": 0, "items_counts": (), "items_bar": (), "rolled": None}
    indices = place.items.get(test.testname, ())
    order = sorted(indices, key=lambda i: -words.rank(place.letters[i]))
    rows = []
    for i in order[:MAX_ITEMS]:
        item = place.run.tests[i]
        style, symbol, word = words.mark(place.letters[i])
        link = place.test_link(path, item)
        facts = place.facts.tests.get(item.name)
        strip = facts.strip[-STRIP_RUNS:] if facts else ""
        past = (words.joined(strip), words.strip_words(strip)) if len(strip) > 1 else ((), "")
        rows.append((style, symbol, word, item.item_path, link, words.took(item), *past))
    counts: dict[str, int] = {}
    for i in order:
        counts[place.letters[i]] = counts.get(place.letters[i], 0) + 1
    return {
        "items": tuple(rows),
        "items_total": len(indices),
        "items_counts": tuple(
            (*words.mark(letter)[:2], words.number(count), words.COUNTED.get(letter, letter))
            for letter, count in counts.items()
        ),
        "items_bar": charts.pass_bar(counts),
        "rolled": _rolled(place, test, indices),
    }


def _rolled(place: RunPlace, test: Test, indices: tuple[int, ...]) -> dict[str, object] | None:
    """What Megatest's own rule makes of the items, and whether the stored row says the same."""
    items = [(place.run.tests[i].state, place.run.tests[i].status) for i in indices]
    if not items:
        return None
    state, status = roll_up_items(items)
    differs = (state, status) != (test.state, test.status)
    return {"state": state, "status": status, "differs": differs}
