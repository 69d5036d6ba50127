"""What docs/filter.md says, in Python: the model that the script's filter is compared with."""

import re
from dataclasses import dataclass, field
from fnmatch import translate

GROUPS = {
    "bad": {"fail", "dead", "killed", "blocked", "abort"},
    "good": {"pass", "warn", "waived", "skip", "check"},
}
ALTERNATIVES = ("state", "change", "host")
_TOKEN = re.compile(r'(!?)(?:"([^"]*)"?|([^ \t\r\n]+))')
Term = tuple[bool, str, str]
"""(turned around, kind, value)."""


@dataclass
class Row:
    state: str = "pass"
    change: str = ""
    host: str = ""
    flags: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    text: str = ""


def parse(query: str) -> list[Term]:
    found = []
    for sign, quoted, word in _TOKEN.findall(query.lower()):
        if word:
            found.append((bool(sign), *_word(word)))
        else:
            found.append((bool(sign), "text", quoted))
    return found


def _word(word: str) -> tuple[str, str]:
    for start, kind in (("s:", "state"), ("host:", "host"), ("is:", "flag")):
        if word.startswith(start):
            return kind, word.removeprefix(start)
    if word.startswith("@") and word != "@":
        return "tag", word[1:]
    kinds = dict.fromkeys(("new", "still", "fixed", "known"), "change")
    kinds |= {"waived": "state", "flaky": "flag"}
    return kinds.get(word, "text"), word


def _holds(kind: str, value: str, row: Row) -> bool:
    if kind == "state":
        return row.state in GROUPS.get(value, {value})
    if kind == "change":
        return value in row.change.split(" ")
    if kind == "host":
        return fits(value, row.host)
    if kind == "tag":
        return any(fits(value, tag) for tag in row.tags)
    return value in (row.flags if kind == "flag" else row.text)


def fits(pattern: str, text: str) -> bool:
    # fnmatch knows sets in brackets, too: here they are plain.
    return re.fullmatch(translate(re.sub(r"\[", "[[]", pattern)), text) is not None


def hit(query: str, row: Row) -> bool:
    terms = parse(query)
    for kind in ALTERNATIVES:
        wanted = [value for sign, known, value in terms if known == kind and not sign]
        if wanted and not any(_holds(kind, value, row) for value in wanted):
            return False
    return all(
        _holds(kind, value, row) is not sign
        for sign, kind, value in terms
        if sign or kind not in ALTERNATIVES
    )
