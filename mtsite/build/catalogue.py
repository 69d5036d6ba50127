"""The catalogue of log rules: one page, written when the rule set changes and at no other time."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from mtsite import urls
from mtsite.build.judge import rule_set_of
from mtsite.build.pen import Pen
from mtsite.build.state import BuildState
from mtsite.config import LogsConfig
from mtsite.gatewords import HELP, TEXTS
from mtsite.logs.families import OWN
from mtsite.logs.family import Meaning
from mtsite.logs.own import IGNORE, PREFIX
from mtsite.pages import catalogue
from mtsite.pages.catalogue import FamilyMeanings

OWNER = "rules"
_OWN_HELP = "A rule of this site: [[logs.rule]] in mtsite.toml."


def write_catalogue(state: BuildState) -> None:
    """Write the page if what it tells has moved."""
    known = state.pages_of(OWNER, trusted=not state.interrupted)
    pen = Pen(state.site, state.look, OWNER, known)
    path = urls.rules_page()
    families = list(families_of(state.config.logs))
    fingerprint = pen.fresh(catalogue, path, repr(families))
    if fingerprint:
        pen.page(catalogue, path, fingerprint, catalogue.context(pen.frame, families))
    state.note_files(pen.changed, pen.remove_rest(), pen.rendered)


def families_of(logs: LogsConfig) -> Iterator[FamilyMeanings]:
    """The site's own rules, each family that can say something, and what `mtsite gate` says."""
    own = tuple(
        Meaning(PREFIX + rule.name, rule.level.upper(), rule.title, _OWN_HELP)
        for rule in logs.rules
        if rule.level != IGNORE
    )
    if own:
        yield OWN, own
    for name, pairs in groupby(rule_set_of(logs).catalogue, key=itemgetter(0)):
        yield name, tuple(meaning for _, meaning in pairs)
    yield (
        "gate",
        tuple(
            Meaning(
                f"gate/{code}",
                "WARNING" if text.startswith("WARNING") else "ERROR",
                text.format(step="STEP"),
                HELP[code],
            )
            for code, text in TEXTS.items()
        ),
    )
