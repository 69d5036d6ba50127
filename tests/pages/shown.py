"""What tests of pages share: the frame of a site, and the contexts of pages of one night."""

from browser import records

from mtsite.build.theme import Theme
from mtsite.pages import run, test
from mtsite.pages.page import SiteFrame

FRAME = SiteFrame("Nightly")
THEME = Theme()


def context_of_run(one: records.Night, **changed: object) -> dict[str, object]:
    shown = {"summary": one.summary, "facts": one.facts, "record": one.record} | changed
    return run.context(
        FRAME,
        one.run,
        one.verdicts,
        shown["record"],  # type: ignore[arg-type]
        shown["facts"],  # type: ignore[arg-type]
        shown["summary"],  # type: ignore[arg-type]
        "",
    )


def joined(pieces: object) -> str:
    assert isinstance(pieces, tuple)
    return "".join(piece[0] for piece in pieces)


def context_of_test(one: records.Night, name: tuple[str, str]) -> dict[str, object]:
    at = [each.name for each in one.run.tests].index(name)
    return test.context(FRAME, one.run, at, one.verdicts, one.records[name], one.facts)
