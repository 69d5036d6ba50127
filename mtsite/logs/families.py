"""The families of rules in their order, and those that other packages add, as one rule set.

The first rule that takes a line wins: the site's own rules come first, then the built-in families
in the order of this table, then those of other packages by name, and last the plain words.
"""

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from mtsite import plugins
from mtsite.errors import UsageError
from mtsite.logs.family import Family, Meaning
from mtsite.logs.rule import LEVELS, MASKS, Rule
from mtsite.regex import compile_bytes

GROUP = "mtsite.log_rules"
BUILT_IN: Mapping[str, str] = {
    "migration": "mtsite.logs.migration:FAMILY",
    "mozharness": "mtsite.logs.mozharness:FAMILY",
    "errorsummary": "mtsite.logs.errorsummary:FAMILY",
    "logpro": "mtsite.logs.logpro:FAMILY",
    "disk": "mtsite.logs.disk:FAMILY",
    "sanitizer": "mtsite.logs.sanitizer:FAMILY",
    "pytest": "mtsite.logs.pytest:FAMILY",
    "python": "mtsite.logs.python:FAMILY",
    "unittest": "mtsite.logs.unittest:FAMILY",
    "go": "mtsite.logs.golang:FAMILY",
    "uvm": "mtsite.logs.uvm:FAMILY",
    "simulator": "mtsite.logs.simulator:FAMILY",
    "synthesis": "mtsite.logs.synthesis:FAMILY",
    "make": "mtsite.logs.make:FAMILY",
    "linker": "mtsite.logs.linker:FAMILY",
    "compiler": "mtsite.logs.compiler:FAMILY",
    "ninja": "mtsite.logs.ninja:FAMILY",
    "cmake": "mtsite.logs.cmake:FAMILY",
    "crash": "mtsite.logs.crash:FAMILY",
    "timeout": "mtsite.logs.timeout:FAMILY",
    "severity": "mtsite.logs.severity:FAMILY",
}
LAST = "severity"
"""The family of plain words: whatever knows more comes before it."""

OWN = "site"
"""The family of the site's own rules; `faults` are names of families with what is wrong."""


class RuleSet(Struct, frozen=True, dict=True):
    """All that judges a log. `settings` are the tables `[logs.FAMILY]`.

    `faults` says which families could not be used, and why.
    """

    families: tuple[Family, ...] = ()
    own: tuple[Rule, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @functools.cached_property
    def digest(self) -> str:
        """12 hex digits that change with the names, editions and settings, and the own rules."""
        known = {
            "families": [(family.name, family.edition) for family in self.families],
            "own": [
                (rule.name, rule.hint.hex(), rule.title, rule.link, getattr(rule.read, "level", ""))
                for rule in self.own
            ],
            "settings": self.settings,
            "masks": MASKS,
        }
        text = json.dumps(known, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @functools.cached_property
    def rules(self) -> tuple[Rule, ...]:
        """All rules of the one pass, in the order in which they are tried."""
        return (*self.own, *(rule for family in self.families for rule in family.rules))

    @property
    def catalogue(self) -> Iterator[tuple[str, Meaning]]:
        """Each family's name with each thing that it can say."""
        return ((family.name, one) for family in self.families for one in family.catalogue)


def load_rule_set(
    settings: Mapping[str, Mapping[str, Any]] | None = None, own: Sequence[Rule] = ()
) -> RuleSet:
    """The rule set of a site; a family that can't be used is named in `faults`, never raised."""
    families: list[Family] = []
    faults: list[str] = []
    table = _table(faults)
    for name in sorted(set(settings or {}) - {name for name, _ in table}):
        faults.append(f"rules {name}: there is no such family that [logs.{name}] could set up")
    for name, target in table:
        try:
            family = plugins.resolve(GROUP, name, target)
            if wrong := _mistake(name, family):
                faults.append(f"rules {name}: not used: {wrong}")
            else:
                families.append(family)
        except UsageError as error:
            faults.append(f"rules {name}: not used: {error}")
        except (Exception, SystemExit) as error:  # another package's code: it stops nothing
            if plugins.is_stop(error):
                raise
            faults.append(f"rules {name}: not used: {type(error).__name__}: {error}")
    return RuleSet(tuple(families), tuple(own), dict(settings or {}), tuple(faults))


@functools.cache
def built_in() -> RuleSet:
    """The rule set of a site that sets nothing, made once per process."""
    return load_rule_set()


def _table(faults: list[str]) -> list[tuple[str, str]]:
    try:
        known = plugins.table(GROUP, BUILT_IN)
    except UsageError as error:
        faults.append(f"rules of other packages: not used: {error}")
        known = dict(BUILT_IN)
    return sorted(known.items(), key=lambda pair: pair[0] == LAST)


def _mistake(name: str, family: object) -> str:
    """What makes an object no family of this name; '' when it is one."""
    if not isinstance(family, Family):
        return f"it is no Family but {type(family).__name__}"
    if family.name != name:
        return f"it calls itself {family.name!r}"
    if (family.claims is None) != (family.analyse is None):
        return "a dialect has both claims and analyse"
    codes = [one.code for one in family.catalogue]
    for code in (*codes, *(rule.name for rule in family.rules)):
        if not code.startswith(f"{name}/"):
            return f"code {code!r} does not begin with {name + '/'!r}"
    if unknown := [one.level for one in family.catalogue if one.level not in LEVELS]:
        return f"level {unknown[0]!r} is none of {', '.join(LEVELS)}"
    return next(filter(None, map(_hint_mistake, family.rules)), "")


def _hint_mistake(rule: Rule) -> str:
    try:
        compiled = compile_bytes(rule.hint)
    except (ValueError, TypeError) as error:
        return f"hint of {rule.name}: {error}"
    return f"hint of {rule.name} matches empty text" if compiled.search(b"") else ""
