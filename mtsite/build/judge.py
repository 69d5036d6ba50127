"""The rule set of a site, made once per process from what mtsite.toml says of logs."""

import functools
import json

from mtsite.config import LogsConfig
from mtsite.logs.families import RuleSet, load_rule_set
from mtsite.logs.own import own_rule
from mtsite.ownrules import LogRule


def rule_set_of(logs: LogsConfig) -> RuleSet:
    """All families with the site's settings; what could not be used is in its `faults`."""
    # As JSON it can be a key of the cache; a date in a setting becomes its text.
    return _made(json.dumps(logs.settings, sort_keys=True, default=str), logs.rules)


@functools.lru_cache(maxsize=4)
def _made(settings: str, rules: tuple[LogRule, ...]) -> RuleSet:
    own = [own_rule(one.name, one.regex, one.level, one.title, one.link) for one in rules]
    return load_rule_set(json.loads(settings), own)
