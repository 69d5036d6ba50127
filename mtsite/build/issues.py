"""Which failures of a run somebody knows of: the rules of `annotations/`, at the run's own time.

    one run: rules of its area and target → patterns over its failing lines, all at once → tests
    an edit: runs that a rule fitted which is no more, runs that a new one may fit → read again

A run is judged at its event_time, never by the clock, so its pages say the same at every build.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from mtsite.annotations import Annotation
from mtsite.build.plan import BuildPlan
from mtsite.build.reasons import MOST, reason_of
from mtsite.build.state import BuildState
from mtsite.facts import KnownIssue
from mtsite.known import Reasons
from mtsite.megatest.pattern import matcher, target_matcher
from mtsite.model import RunKey, RunRecord, TestName
from mtsite.regex import PatternSet

if TYPE_CHECKING:
    from mtsite.pages.issues import Known

KEY = "annotations"
WHY = "known issues"
MOST_OF_TEST = 5
"""So many rules are told of one test; those that are over come last."""


class Judge(Struct, frozen=True):
    """All rules of a site, over one run at a time."""

    rules: tuple[Annotation, ...] = ()
    zone: str = "UTC"

    def of_run(self, key: RunKey, event_time: int | None, kept: RunRecord) -> "Known":
        """The issues of each test that went wrong and that a rule fits."""
        rules = self._of(key)
        if not rules:
            return {}
        fits = _Fits(rules)
        zone = ZoneInfo(self.zone)
        issues = {one.id: _issue(one, over=one.is_over(event_time, zone)) for one in rules}
        found: dict[TestName, tuple[KnownIssue, ...]] = {}
        for name, test in kept.tests.items():
            if not test.why or test.gone:
                continue
            told = [issues[one.id] for one in fits.of(name, reason_of(test)[3])]
            if told:
                told.sort(key=lambda one: (one.over, one.title, one.rule))
                found[name] = tuple(told[:MOST_OF_TEST])
        return found

    def of_target(self, area: str, target: tuple[str, ...]) -> "Judge":
        """The rules that may fit a run of this target."""
        return Judge(tuple(self._of(RunKey(area, target, ""))), self.zone)

    def titles(self, runs: Sequence[tuple[int | None, Reasons]]) -> list[dict[TestName, str]]:
        """Of runs of a target (when they began, why tests went wrong): what is known of tests.

        The first issue of each that is not over; the rules are those `of_target`.
        """
        if not self.rules:
            return [{} for _ in runs]
        fits = _Fits(self.rules)
        return [self._titles(fits, *one) for one in runs]

    def _titles(
        self, fits: "_Fits", event_time: int | None, reasons: Reasons
    ) -> dict[TestName, str]:
        zone = ZoneInfo(self.zone)
        over = {one.id for one in self.rules if one.is_over(event_time, zone)}
        found: dict[TestName, str] = {}
        for name, (_, _, _, line) in reasons.items():
            told = [one.title for one in fits.of(name, line) if one.id not in over]
            if told:
                found[name] = min(told)
        return found

    def of_line(
        self, key: RunKey, name: TestName, event_time: int | None, line: str
    ) -> list[tuple[Annotation, bool]]:
        """The rules that fit a test which went wrong with this line, and whether each is over.

        What of `key` and `name` is '' fits every rule.
        """
        zone = ZoneInfo(self.zone)
        whose = [one for one in self.rules if not key.area or _fits_area(one, key)]
        of = [one for one in whose if not key.target or _fits_target(one, key)]
        wide = of if name[0] else [replace(one, test="") for one in of]
        asked = {id(one): rule for one, rule in zip(wide, of, strict=True)}
        found = [asked[id(one)] for one in _Fits(wide).of(name, line)]
        return [(one, one.is_over(event_time, zone)) for one in found]

    def _of(self, key: RunKey) -> list[Annotation]:
        return [one for one in self.rules if _fits_run(one, key)]


class _Fits(Struct, dict=True):
    """Some rules over the failures of one run: equal lines are looked at once."""

    rules: Sequence[Annotation]
    _by_line: dict[str, frozenset[int]] = field(default_factory=dict)

    def of(self, name: TestName, line: str) -> list[Annotation]:
        """Those that fit a test which went wrong with this line."""
        there = self._by_line.get(line)
        if there is None:
            there = self._by_line[line] = self._in_line(line)
        return [self.rules[i] for i in sorted(there) if _fits_test(self.rules[i].test, name)]

    @cached_property
    def _patterns(self) -> tuple[list[int], list[int], PatternSet]:
        without = [i for i, one in enumerate(self.rules) if not one.pattern]
        having = [i for i, one in enumerate(self.rules) if one.pattern]
        patterns = [self.rules[i].pattern.encode() for i in having]
        return without, having, _set_of(tuple(patterns))

    def _in_line(self, line: str) -> frozenset[int]:
        without, having, patterns = self._patterns
        there = patterns.matching(line.encode("utf-8", "replace")) if having else ()
        return frozenset([*without, *(having[i] for i in there)])


@lru_cache(maxsize=8)
def _set_of(patterns: tuple[bytes, ...]) -> PatternSet:
    """Thousands of rules take half a second, and many runs have the same."""
    return PatternSet(patterns)


def fit_counts(known: "Known") -> list[tuple[str, int, bool]]:
    """(rule, how many tests, whether it is over) of a run."""
    counted = Counter((one.rule, one.over) for told in known.values() for one in told)
    return sorted((rule, number, over) for (rule, over), number in counted.items())


def judge_of(state: BuildState) -> Judge:
    """The rules of the site as the workers take them."""
    return Judge(state.annotations.rules, state.config.site.timezone)


def judge_again(state: BuildState, plan: BuildPlan) -> None:
    """Add the runs whose known issues may be others since the rules were edited."""
    rules = {one.id: one for one in state.annotations.rules}
    zone, before = json.loads(state.manifest.get(KEY) or '["", []]')
    same_zone = zone in {"", state.config.site.timezone}
    if same_zone and set(before) == rules.keys():
        return
    old = set(before) if same_zone else set()
    added = [one for name, one in rules.items() if name not in old]
    for run_dir, run in state.known.items():
        if run.gone or run_dir in plan.read:
            continue
        had = state.manifest.annotated.of_run(run_dir)
        gone = had if not same_zone else had - rules.keys()
        if gone or (added and _may_fit(state, run_dir, run.key, added)):
            state.read_again(plan, run_dir, WHY)


def note_rules(state: BuildState) -> None:
    """All runs are judged by the rules as they are."""
    rules = sorted(one.id for one in state.annotations.rules)
    state.manifest.put(KEY, json.dumps([state.config.site.timezone, rules]))


def _may_fit(state: BuildState, run_dir: str, key: RunKey, added: list[Annotation]) -> bool:
    rules = [one for one in added if _fits_run(one, key)]
    if not rules:
        return False
    reasons = state.manifest.reasons(run_dir)
    if len(reasons) >= MOST:
        return True
    fits = _Fits(rules)
    return any(fits.of(name, reason[3]) for name, reason in reasons.items())


def _fits_run(rule: Annotation, key: RunKey) -> bool:
    return _fits_area(rule, key) and _fits_target(rule, key)


def _fits_area(rule: Annotation, key: RunKey) -> bool:
    return not rule.area or matcher(rule.area)(key.area)


def _fits_target(rule: Annotation, key: RunKey) -> bool:
    return not rule.target or target_matcher(rule.target)(key.target)


def _fits_test(pattern: str, name: TestName) -> bool:
    return not pattern or _test_matcher(pattern, *name)


@lru_cache(maxsize=65_536)
def _test_matcher(pattern: str, testname: str, item_path: str) -> bool:
    """Whether one element of a comma list fits: NAME with all its items, or NAME/ITEM."""
    for element in pattern.split(","):
        of_test, slash, of_item = element.strip().partition("/")
        if matcher(of_test)(testname) and (not slash or matcher(of_item)(item_path)):
            return True
    return False


def _issue(rule: Annotation, *, over: bool) -> KnownIssue:
    until = rule.until.isoformat() if rule.until else ""
    return KnownIssue(rule.id, rule.title, rule.link, rule.owner, until, rule.why, over)
