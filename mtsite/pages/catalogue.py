"""What every rule for logs means: the page that each finding links to."""

from collections.abc import Sequence

from mtsite import urls
from mtsite.logs.family import Meaning
from mtsite.pages import words
from mtsite.pages.page import SiteFrame, frame_context

EDITION = 1
TEMPLATE = "catalogue.html"

_LETTERS = {"CRITICAL": "A", "ERROR": "F", "WARNING": "W"}

FamilyMeanings = tuple[str, tuple[Meaning, ...]]
"""A family's name and each thing that it can say."""


def context(frame: SiteFrame, families: Sequence[FamilyMeanings]) -> dict[str, object]:
    """All codes of all families, in the order in which they are asked."""
    total = sum(len(meanings) for _, meanings in families)
    path = urls.rules_page()
    return {
        **frame_context(
            frame,
            path,
            (),
            title="What log rules mean",
            description=f"{words.plural(total, 'code')} that findings in logs may have",
        ),
        "codes_total": words.plural(total, "code"),
        "families_total": words.plural(len(families), "family", "families"),
        "families": tuple((name, tuple(map(_row, meanings))) for name, meanings in families),
    }


def rule_link(path: str, code: str) -> str:
    """The link from a page to what a code means; '' for what is no code."""
    if "/" not in code:
        return ""
    return f"{urls.relative(path, urls.rules_page())}#{urls.rule_anchor(code)}"


def _row(meaning: Meaning) -> dict[str, object]:
    style, symbol, _ = words.mark(_LETTERS.get(meaning.level, "F"))
    return {
        "anchor": urls.rule_anchor(meaning.code),
        "code": meaning.code,
        "style": style,
        "symbol": symbol,
        "level": meaning.level.lower(),
        "title": meaning.title or meaning.code,
        "help": meaning.help,
    }
