"""Rules of the site's owner in mtsite.toml, tried when read: [[redact.own]], [[logs.rule]] and
[[clusters.rule]]."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from mtsite.options import REQUIRED, TEXT, Kind, one_of, option, toml_text
from mtsite.regex import compile_bytes, count_groups
from mtsite.tomlfile import KeyPath, TableReader, dotted

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_LINK = re.compile(r"(?:https?://[^\s{}/?#]+[/?#]|mailto:)(?:[^\s{}]|\{[0-9]\})*")
_GROUP = re.compile(r"\{([0-9])\}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, found {type(value).__name__}")
    return value


def _name(value: object, _: Path) -> str:
    if not _NAME.fullmatch(text := _text(value)):
        raise ValueError("a name is 1 to 40 of a-z, 0-9, _ and -, no _ or - in front")
    return text


def read_regex(text: str) -> str:
    """An expression that RE2 takes and that matches no empty text.

    Raises:
        ValueError: it is none; the message says why.
    """
    try:
        found = compile_bytes(text.encode()).search(b"")
    except ValueError as wrong:
        raise ValueError(f"no regular expression in RE2's syntax: {wrong}") from None
    if found is not None:
        raise ValueError("matches even empty text")
    return text


def _link(value: object, _: Path) -> str:
    text = _text(value)
    if text and not _LINK.fullmatch(text):
        raise ValueError(
            "expected http://HOST/…, https://HOST/… or mailto:…, with {0} to {9} behind the host"
        )
    if "@" in urlsplit(text).netloc:
        raise ValueError("holds a name or password before the host")
    return text


RULE_NAME = Kind("name", _name)


def _regexes_by_name(value: object, _: Path) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, Mapping) or not all(isinstance(v, list) for v in value.values()):
        raise ValueError('expected lists by rule, as { password = ["example.*"] }')
    return tuple(
        (str(name), tuple(read_regex(_text(each)) for each in patterns))
        for name, patterns in sorted(value.items())
        if patterns
    )


REGEXES_BY_NAME = Kind(
    "table of lists of regular expressions",
    _regexes_by_name,
    show=lambda value: toml_text(dict(value)),
)
REGEX = Kind("regular expression", lambda value, _: read_regex(_text(value)))
LINK = Kind("address with {0} to {9}", _link)


@dataclass(frozen=True)
class OwnRule:
    """[[redact.own]]: a mask of one's own; whatever `regex` (RE2) matches is masked."""

    name: str = option(TEXT, REQUIRED, "The name that the mask shows.")
    regex: str = option(REGEX, REQUIRED, "A regular expression in RE2's syntax.")


@dataclass(frozen=True)
class LogRule:
    """[[logs.rule]]: what a line of any log means on this site; asked before all other rules."""

    name: str = option(RULE_NAME, REQUIRED, "Its findings are called site/NAME.")
    regex: str = option(REGEX, REQUIRED, "Lines that it takes, in RE2's syntax.")
    level: str = option(
        one_of("critical", "error", "warning", "ignore"),
        "error",
        "How bad such a line is; ignore: no rule takes it.",
    )
    title: str = option(TEXT, "", "What it means, in a few words.")
    link: str = option(
        LINK, "", "Where to read more; {0} becomes what matched, {1} its first group."
    )


JOIN, SPLIT, NAME = "join", "split", "name"


@dataclass(frozen=True)
class ClusterRule:
    """[[clusters.rule]]: which failures are alike on this site; the first that fits decides."""

    name: str = option(RULE_NAME, REQUIRED, "What pages call the rule.")
    regex: str = option(REGEX, REQUIRED, "Failing lines that it is about, in RE2's syntax.")
    do: str = option(
        one_of(JOIN, SPLIT, NAME),
        JOIN,
        "join: all of them are one cluster; split: one for each text of the groups, or of what"
        " matched; name: they stay as they are.",
    )
    title: str = option(TEXT, "", "What it means, in a few words.")


R = TypeVar("R", OwnRule, LogRule, ClusterRule)


def read_own_rules(
    reader: TableReader, tables: Mapping[str, Any], place: tuple[str, str], kind: type[R]
) -> tuple[R, ...]:
    """The tables of one array, taken out of their section; two of one name are a mistake."""
    section = tables.get(place[0])
    given = section.pop(place[1], []) if isinstance(section, dict) else []
    if not isinstance(given, list):
        reader.mistake(place, f"expected tables, as [[{dotted(place)}]]")
        return ()
    rules: dict[str, R] = {}
    for index, each in enumerate(given):
        key: KeyPath = (*place, index)
        rule = kind(**reader.values(key, kind, reader.table(key, each)))
        # A name that is missing or wrong is a mistake told already, and none of two rules.
        if rule.name and rule.name in rules:
            reader.mistake((*key, "name"), f'there is another rule "{rule.name}"')
        if isinstance(rule, LogRule) and (wrong := _group_mistake(rule)):
            reader.mistake((*key, "link"), wrong)
        rules[rule.name] = rule
    return tuple(rules.values())


def _group_mistake(rule: LogRule) -> str:
    # A value that was wrong by itself is None, and told already.
    if not rule.link or not rule.regex:
        return ""
    most = max((int(number) for number in _GROUP.findall(rule.link)), default=0)
    has = count_groups(rule.regex.encode())
    return f"has {{{most}}}, but regex has {has} groups" if most > has else ""


class ClustersConfig(Struct, frozen=True):
    """[clusters]: which failures are alike beyond what their words say."""

    rules: tuple[ClusterRule, ...] = ()


def read_clusters(reader: TableReader, tables: Mapping[str, Any]) -> ClustersConfig:
    """[[clusters.rule]], and nothing else in its section."""
    rules = read_own_rules(reader, tables, ("clusters", "rule"), ClusterRule)
    for name, found in reader.table(("clusters",), tables.get("clusters", {})).items():
        reader.unknown(("clusters", name), found, ["rule"])
    return ClustersConfig(rules)
