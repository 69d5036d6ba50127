"""Known issues: what annotations say of failures, on the pages of tests and runs, and of all. Pure.

An issue that is over counts for nothing: the test counts as failing, and its page says why.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from mtsite import urls
from mtsite.annotated import Fitting
from mtsite.annotations import Annotation, Annotations
from mtsite.facts import KnownIssue
from mtsite.model import RunKey, TestName
from mtsite.pages import markdown, words
from mtsite.pages.page import SiteFrame, frame_context

EDITION = 2
TEMPLATE = "issues.html"
MOST_OF_RUN = 20
MOST = 500
"""So many rules stand on the page of all."""

OVER, ENDED, UNMATCHED = "fails again", "ended", "fits nothing"

Known = Mapping[TestName, tuple[KnownIssue, ...]]
NOTHING_KNOWN: Known = {}

Part = tuple[str, str]
"""(text, link): '' for no link."""


def muted_of(known: Known) -> frozenset[TestName]:
    """The tests with an issue that is not over: they are counted apart."""
    return frozenset(name for name, told in known.items() if not told[0].over)


def of_test(path: str, told: Sequence[KnownIssue]) -> tuple[dict[str, object], ...]:
    """What the page of a test says of its failure; those that are over come last."""
    return tuple(
        {
            "title": one.title,
            "link": words.web_link(one.link),
            "rule": _rule_link(path, one.rule),
            "said": _said(one),
            "why": markdown.description(one.why) if one.why.strip() else "",
            "over": one.over,
        }
        for one in told
    )


def of_run(path: str, known: Known) -> tuple[tuple[str, str, str, str, str], ...]:
    """(title, link, link to its rule, what more is said, how many tests), most frequent first."""
    counted = Counter(one for told in known.values() for one in told)
    order = sorted(counted.items(), key=lambda each: (each[0].over, -each[1], each[0].title))
    return tuple(
        (
            one.title,
            words.web_link(one.link),
            _rule_link(path, one.rule),
            _said(one),
            words.plural(number, "test"),
        )
        for one, number in order[:MOST_OF_RUN]
    )


def _said(one: KnownIssue) -> str:
    parts = [one.owner]
    if one.over:
        parts.append(f"ended on {one.until}: counts as failing again")
    elif one.until:
        parts.append(f"until {one.until}")
    return ", ".join(filter(None, parts))


def _rule_link(path: str, rule: str) -> str:
    return f"{urls.relative(path, urls.clusters_page(urls.KNOWN))}#{rule}"


def context(
    frame: SiteFrame,
    annotations: Annotations,
    fits: Mapping[str, Fitting],
    ended: Collection[str] = (),
) -> dict[str, object]:
    """The page of all rules: what each fitted, those that fit nothing or are over, mistakes.

    `ended` are the rules whose last day was before the newest run of the site.
    """
    path = urls.clusters_page(urls.KNOWN)
    rows = [_row(path, one, fits.get(one.id), one.id in ended) for one in annotations.rules]
    order = {OVER: 0, ENDED: 1, UNMATCHED: 2, "": 3}
    rows.sort(key=lambda row: order[str(row["state"])])
    lead = _lead(annotations, rows)
    shown = frame_context(frame, path, [], title="Known issues", description=lead)
    return shown | {
        "lead": lead,
        "alike": urls.relative(path, urls.clusters_page()),
        "rules": tuple(rows[:MOST]),
        "cut": len(rows) - MOST,
        "mistakes": annotations.mistakes[:MOST],
    }


def _lead(annotations: Annotations, rows: Sequence[Mapping[str, object]]) -> str:
    if not annotations.rules:
        return "No rule says which failures are known."
    told = Counter(row["state"] for row in rows)
    parts = [f"{words.plural(len(rows), 'rule')} for failures that somebody knows of"]
    for state, said in (
        (OVER, "ended, and tests fail again"),
        (ENDED, "ended, and nothing failed since"),
        (UNMATCHED, "fits nothing" if told[UNMATCHED] == 1 else "fit nothing"),
    ):
        if told[state]:
            parts.append(f"{words.number(told[state])} {said}")
    return f"{'; '.join(parts)}."


def _row(path: str, one: Annotation, fit: Fitting | None, ended: bool) -> dict[str, object]:
    return {
        "id": one.id,
        "title": one.title,
        "link": words.web_link(one.link),
        "said": ", ".join(
            filter(None, (one.owner, f"until {one.until.isoformat()}" if one.until else ""))
        ),
        "place": one.place,
        "why": markdown.description(one.why) if one.why.strip() else "",
        "fits": tuple(
            (name, text)
            for name in ("pattern", "test", "target", "area")
            if (text := getattr(one, name))
        ),
        "state": state_of(fit, ended=ended),
        "counts": _counts(fit),
        "first": _run(path, fit.first) if fit else None,
        "last": _run(path, fit.last) if fit else None,
    }


def state_of(fit: Fitting | None, *, ended: bool) -> str:
    """What is to be done about a rule; '' for nothing."""
    if fit is None:
        return UNMATCHED
    return OVER if fit.over_tests else ENDED if ended else ""


def _counts(fit: Fitting | None) -> str:
    if fit is None:
        return "fits no failure of this site"
    parts = []
    if fit.tests:
        tests = words.plural(fit.tests, "failure")
        parts.append(f"{tests} in {words.plural(fit.runs, 'run')}")
    if fit.over_tests:
        tests = words.plural(fit.over_tests, "failure")
        parts.append(f"{tests} in {words.plural(fit.over_runs, 'run')} after it ended")
    return ", ".join(parts)


def _run(path: str, end: tuple[RunKey, int]) -> tuple[str, str, tuple[str, str]]:
    """(name, link, when it began)."""
    key, place = end
    name = "/".join((key.area, *key.target, key.runname))
    return name, urls.relative(path, urls.run_page(key)), words.when(place or None)
