"""The dialect of mozlog's `errorsummary` logs: one JSON object a line, already judged.

Every unexpected outcome, crash and logged error is a failure line (mozilla/treeherder dc3080d,
FailureLine); each test group says at the end how it went. What is expected to fail now and then is
a warning. A line that can't be read is said and passed over.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from mtsite.logs.family import Analysis, Family, Log, Meaning
from mtsite.logs.rule import CRITICAL, ERROR, WARNING, Sighting

NAME = "errorsummary"
MOST_FAILURES = 150
"""So many failure lines Treeherder stores; the next one it marks truncated."""

MOST_GROUPS = 2000
LONGEST_GROUP_NAME = 255
LONGEST_SECONDS = 7200

UNEXPECTED, INTERMITTENT, CRASH = "unexpected", "known-intermittent", "crash"
LOGGED, UNREADABLE = "logged", "unreadable"

_FAILURES = frozenset({"test_result", "log", "crash", "truncated"})
_ACTIONS = _FAILURES | {"test_groups", "group_result"}
_ACTION = re.compile(rb'"action": ?"(?:%s)"' % "|".join(sorted(_ACTIONS)).encode())

# code, level, title, help
_MEANINGS = (
    (
        UNEXPECTED,
        ERROR,
        "A test had an unexpected outcome",
        "The status of a test, or of a part of it, is not the expected one. The message is what "
        "the harness said of it; the stack stands in the line.",
    ),
    (
        INTERMITTENT,
        WARNING,
        "A test failed as it does now and then",
        "The outcome is listed as a known intermittent one in the test's own metadata, so it "
        "does not make the test bad.",
    ),
    (
        CRASH,
        CRITICAL,
        "A process crashed during a test",
        "The signature names the function that crashed; logs with the same one share the cause.",
    ),
    (
        LOGGED,
        ERROR,
        "The harness logged an error",
        "An error that belongs to no single test, such as a leak or a failed shutdown.",
    ),
    (
        UNREADABLE,
        WARNING,
        "A line could not be read",
        "The line is no JSON object of a known action; the log may be cut or of a newer harness.",
    ),
)
_LEVELS = {code: level for code, level, _, _ in _MEANINGS}


class Failure(NamedTuple):
    """One failure line: its number in this log, what the log says, and what it means."""

    number: int
    said: Mapping[str, Any]
    code: str
    level: str


class Group(NamedTuple):
    """How a group of tests went; whole seconds."""

    number: int
    name: str
    status: str
    seconds: int


def read_summary(lines: Iterable[tuple[int, bytes]]) -> Iterator[Failure | Group]:
    """The failure lines and groups of a log; lines are numbered, without ends."""
    for number, line in lines:
        if not line.strip():
            continue
        said = _object(line)
        action = said.get("action")
        if action == "group_result":
            yield from _groups(number, said)
        elif action in _FAILURES:
            code, level = _meaning(said)
            yield Failure(number, said, code, level)
        elif action != "test_groups":
            yield Failure(number, said, UNREADABLE, WARNING)


def stored_failures(failures: Iterable[Failure]) -> list[Mapping[str, Any]]:
    """What Treeherder stores of a log: at most MOST_FAILURES, and one more that says so."""
    stored: list[Mapping[str, Any]] = []
    for failure in failures:
        if failure.code == UNREADABLE:
            continue
        if len(stored) == MOST_FAILURES:
            return [*stored, {**failure.said, "action": "truncated"}]
        stored.append(failure.said)
    return stored


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _meaning(said: Mapping[str, Any]) -> tuple[str, str]:
    if said["action"] == "crash":
        return CRASH, CRITICAL
    if said["action"] != "test_result":
        return LOGGED, CRITICAL if said.get("level") == "CRITICAL" else ERROR
    known = said.get("known_intermittent")
    code = INTERMITTENT if isinstance(known, list) and said.get("status") in known else UNEXPECTED
    return code, _LEVELS[code]


def _groups(number: int, said: Mapping[str, Any]) -> Iterator[Group]:
    name, status = said.get("group"), said.get("status")
    if not isinstance(name, str) or len(name) > LONGEST_GROUP_NAME or "\\" in name:
        return
    shown = status if status in {"OK", "ERROR", "SKIP"} else ""
    yield Group(number, name, shown, _seconds(said.get("duration")))


def _seconds(milliseconds: object) -> int:
    """Whole seconds; what is no number, negative or over two hours counts 0."""
    if not isinstance(milliseconds, int | float) or isinstance(milliseconds, bool):
        return 0
    return int(milliseconds / 1000) if 0 <= milliseconds <= LONGEST_SECONDS * 1000 else 0


def claims(name: str, head: bytes) -> bool:
    """Whether the first line is an object of this kind; it may be longer than what is seen."""
    first = head.lstrip().split(b"\n", 1)[0]
    return first.startswith(b"{") and bool(_ACTION.search(first)) and b'"line":' in head


def analyse(log: Log) -> Analysis:
    """Failure lines as findings, groups as facts."""
    facts: dict[str, Any] = {}
    return Analysis(_sightings(log, facts), facts)


def _sightings(log: Log, facts: dict[str, Any]) -> Iterator[tuple[int, Sighting]]:
    groups: list[dict[str, Any]] = []
    statuses: Counter[str] = Counter()
    for found in read_summary(log):
        if isinstance(found, Failure):
            text = _text(found).encode("utf-8", "replace")
            yield found.number, Sighting(found.level, text, code=f"{NAME}/{found.code}")
            continue
        statuses[found.status or "unknown"] += 1
        if len(groups) < MOST_GROUPS:
            groups.append(_fact(found))
    facts["groups"] = groups
    facts["group_count"] = statuses.total()
    facts["statuses"] = dict(sorted(statuses.items()))


def _fact(group: Group) -> dict[str, Any]:
    name = group.name.encode("utf-8", "replace").decode()
    return {"name": name, "status": group.status, "duration_s": group.seconds, "line": group.number}


def _text(failure: Failure) -> str:
    """A failure line as the log of the same job would say it."""
    said = {key: str(value) for key, value in failure.said.items() if value not in (None, "")}
    test = said.get("test", "?")
    message = _first_line(said.get("message", ""))
    if failure.code == UNREADABLE:
        return f"not read: action {said.get('action', 'unknown')}"
    if failure.code == CRASH:
        return f"PROCESS-CRASH | {test} | application crashed [{said.get('signature', '?')}]"
    if failure.code == LOGGED:
        return f"{said.get('level', 'ERROR')} | {message or said['action']}"
    parts = [f"TEST-UNEXPECTED-{said.get('status', '?')}", test]
    parts += [text for text in (_first_line(said.get("subtest", "")), message) if text]
    return " | ".join(parts)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:300]


FAMILY = Family(
    NAME,
    1,
    catalogue=tuple(
        Meaning(f"{NAME}/{code}", level, title, told) for code, level, title, told in _MEANINGS
    ),
    claims=claims,
    analyse=analyse,
    exclusive=True,
)
