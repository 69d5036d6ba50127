"""What tests of pages share: the frame of a site, and the contexts of pages of one night."""

from typing import Any

from browser import records
from msgspec.structs import replace

from mtsite.build.theme import Theme
from mtsite.pages import disagreement, failures, run, test
from mtsite.pages.beside import Beside
from mtsite.pages.page import SiteFrame
from mtsite.pages.place import RunPlace

FRAME = SiteFrame("Nightly")
THEME = Theme()
ALONE = Beside()
BESIDE = {"next_run", "links", "leaving"}


def context_of_run(one: records.Night, **changed: Any) -> dict[str, object]:
    """The context of a run's page; `changed` are fields of `run.Shown` and of `Beside`."""
    beside = Beside(**{name: changed.pop(name) for name in BESIDE & changed.keys()})
    return context_of(shown_of(one, **changed), beside)


def context_of(shown: run.Shown, beside: Beside = ALONE) -> dict[str, object]:
    return run.context(FRAME, shown, run.divide(shown), beside)


def failing_rows(one: records.Night) -> list[failures.Row]:
    """All rows of what went wrong, in the order of the page."""
    shown = run.divide(shown_of(one)).failures
    return [row for group in shown for row in (*group.rows, *group.rest)]


def shown_of(one: records.Night, **changed: Any) -> run.Shown:
    shown = run.Shown(one.run, one.verdicts, one.record, one.facts, one.summary, {})
    shown = replace(shown, **changed)
    if "differences" in changed:
        return shown
    letters = [str(verdict) for verdict in shown.verdicts]
    return replace(shown, differences=disagreement.of_all(shown.run, letters, shown.record))


def joined(pieces: object) -> str:
    assert isinstance(pieces, tuple)
    return "".join(piece[0] for piece in pieces)


def context_of_test(one: records.Night, name: tuple[str, str]) -> dict[str, object]:
    at = [each.name for each in one.run.tests].index(name)
    place = RunPlace(FRAME, one.run, one.verdicts, one.facts, one.record)
    return test.context(place, at, one.records[name])
