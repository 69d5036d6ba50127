"""What the page of a run shows that is not of the run: what the settings say, and its neighbour."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from msgspec import Struct, field

from mtsite import urls
from mtsite.model import Run, RunKey, TestName
from mtsite.pages import words
from mtsite.relations import BUILT, DEPENDS, DUPLICATE, RETRY
from mtsite.rollup import ABSENT

RELATED = 12
"""So many other runs of one kind are named."""

TITLES = {
    DEPENDS: ("depends on", "needed by"),
    BUILT: ("built from", "built into"),
    RETRY: ("retry of", "retried by"),
    DUPLICATE: ("duplicate of", "duplicated by"),
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class RunLink(Struct, frozen=True):
    """A run that this one names, or (`back`) that names this one.

    `page` is its path below the site, '' where there is no such run; `letter` its verdict.
    """

    kind: str
    text: str
    page: str = ""
    letter: str = ""
    back: bool = False


class TestLink(Struct, frozen=True):
    """A test of another run that the test `own` names, or (`back`) that names it.

    `page` is '' and `letter` `ABSENT` where there is none.
    """

    __test__ = False

    own: TestName
    kind: str
    run: RunKey
    other: TestName
    page: str = ""
    letter: str = ABSENT
    back: bool = False


class Beside(Struct, frozen=True):
    """For one run: `next_run` is '' for the newest, `links` are (title, address).

    `leaving`: there is a page of what leaves, and when. `related` are other runs.
    """

    next_run: str = ""
    links: Sequence[tuple[str, str]] = ()
    leaving: bool = False
    related: tuple[RunLink, ...] = ()


class RunBeside(Struct, frozen=True):
    """For all runs: `links` has title → address with placeholders, by area."""

    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    leaving: bool = False

    def of(self, run: Run, next_run: str) -> Beside:
        """What this run's page shows."""
        given = self.links.get(run.key.area, {})
        filled = tuple((title, fill(address, run)) for title, address in given.items())
        return Beside(next_run, filled, self.leaving)


def related_runs(
    links: Sequence[RunLink], path: str
) -> tuple[tuple[str, tuple[tuple[str, str, str, str, str], ...], int], ...]:
    """(title, (style, symbol, word, run, link) of the first, how many more) per kind and end."""
    found: dict[str, list[tuple[str, str, str, str, str]]] = {}
    for one in links:
        mark = words.mark(one.letter) if one.letter else ("x", "", "")
        href = urls.relative(path, one.page) if one.page else ""
        found.setdefault(TITLES[one.kind][one.back], []).append((*mark, one.text, href))
    return tuple(
        (title, tuple(rows[:RELATED]), max(0, len(rows) - RELATED)) for title, rows in found.items()
    )


def fill(address: str, run: Run) -> str:
    """An address with {area}, {target}, {runname} and the area's keys as {KEY}, URL-escaped.

    The values of a target stand between slashes, each escaped by itself. What is no placeholder
    stays as it is.
    """
    values = {name: quote(value, safe="") for name, value in _values(run)}
    values["target"] = "/".join(quote(_text(value), safe="") for value in run.key.target)
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), address)


def _values(run: Run) -> list[tuple[str, str]]:
    own = zip(run.keys, run.key.target, strict=False)
    named = [("area", run.key.area), ("runname", run.key.runname)]
    return [(name, _text(value)) for name, value in (*own, *named)]


def _text(value: str) -> str:
    """Bytes that are not UTF-8 as U+FFFD, as everywhere on a page."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
