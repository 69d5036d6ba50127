"""Which lines of a Mozilla job's log are error lines: Treeherder's rules, as data.

Of mozilla/treeherder dc3080d (today), and of 10ccd44 for the logs of 2013 to 2020 that have steps.
Lines are judged as text: 500 characters of them, what is no UTF-8 as U+FFFD. A log is a Taskcluster
log from its first line that says so on; from there a time in brackets before a line is no part of
it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mtsite.logs.chosen import BEGINS, chosen_lines
from mtsite.logs.source import Content

MOST_CHARACTERS = 500
MOST_LINES = 40
"""So many error lines Treeherder stores of a log."""

TEST, CRASH, SANITIZER, LEAK = "test", "crash", "sanitizer", "leak"
BUILD, EXCEPTION, NETWORK, RUNNER, LEVEL = "build", "exception", "network", "runner", "level"

_NO_ERROR = r"TEST-(?:INFO|PASS) "
_NO_CRASH = "A content process crashed and MOZ_CRASHREPORTER_SHUTDOWN is set, shutting down"
_HARNESS_FAILS = re.compile(r"^\d+:\d+:\d+ +(ERROR|CRITICAL|FATAL) - ")
_HARNESS_SAYS = re.compile(r"^\d+:\d+:\d+ +(?:DEBUG|INFO|WARNING) - +")
_YEAR = re.compile(r"20\d\d-.", re.DOTALL)
_TASKCLUSTER = "[taskcluster "
_UNEXPECTED = "TEST-UNEXPECTED-"
_DEVICE = re.compile(r"I[ /](?:Gecko|TestRunner)")
_PERFORMANCE = b"PERFHERDER_DATA"

_EXCUSED = (r"^TimeoutException: ", r"^ImportError: No module named pygtk$")
_EXCUSED_LATER = (r"Assertion failure$", r"^TEST-UNEXPECTED-WARNING\b", r"non-fatal error")

# What makes a line an error line, and what kind: (words that it contains, how it begins, what
# matches anywhere). The first kind that takes a line names it.
_KINDS = (
    (TEST, (_UNEXPECTED, "REFTEST ERROR"), r"\[  FAILED  \] ", ""),
    (
        CRASH,
        ("PROCESS-CRASH", "Assertion fail", "###!!! ABORT:", "fatal error", "FATAL ERROR"),
        "",
        "",
    ),
    (
        SANITIZER,
        ("SUMMARY: AddressSanitizer", "SUMMARY: ThreadSanitizer", "ThreadSanitizer: nested bug"),
        "",
        "",
    ),
    (
        RUNNER,
        ("Automation Error:", "command timed out:", "bash.exe: *** "),
        r"remoteFailed:|rm: cannot |abort:|\[taskcluster\] Error:|\[[\w.-]+:(?:error|exception)\]",
        "",
    ),
    (NETWORK, ("wget: unable ",), "", r"ERROR [45]\d\d:"),
    (
        BUILD,
        (),
        r"g?make(?:\[\d+\])?: \*\*\*",
        r" error\(\d*\):|:\d+: error:| error R?C\d*:|mozmake\.(?:exe|EXE)(?:\[\d+\])?: \*\*\*",
    ),
    (EXCEPTION, (), r"[A-Za-z.]+Error: |[A-Za-z.]*Exception: ", ""),
)
_KINDS_LATER = (
    (CRASH, ("Hit MOZ_CRASH",), "", ""),
    (SANITIZER, ("SUMMARY: UndefinedBehaviorSanitizer",), "", ""),
    (RUNNER, ("Unsuccessful task run with exit code: 137",), "", ""),
    (LEAK, ("YOU ARE LEAKING THE WORLD",), "", ""),
)

# Where a line begins, or begins anew once what the runner or the harness put before it is gone.
_FIRST = rb"(?:\A|[\r\n]|\][\x00-\x20\x80-\xff]{1,3}|- +)"

HINT = (
    rb"TEST-UNEXPECTED-|REFTEST ERROR|\[  FAILED  \] |PROCESS-CRASH|Assertion fail|###!!! ABORT:"
    rb"|fatal error|FATAL ERROR|Hit MOZ_CRASH|SUMMARY: (?:Address|Thread|Undefined)"
    rb"|ThreadSanitizer: nested bug|Automation Error:|command timed out:|bash\.exe: \*\*\* "
    rb"|remoteFailed:|rm: cannot |abort:|\[taskcluster\] Error:|:error\]|:exception\]"
    rb"|Unsuccessful task run with exit code: 137|wget: unable |ERROR [45]|: \*\*\*| error\("
    rb"|: error:| error R?C|YOU ARE LEAKING THE WORLD|"
    + _FIRST
    + rb"[A-Za-z.]*(?:Error|Exception): "
    rb"|(?:ERROR|CRITICAL|FATAL) - |" + BEGINS + rb"\[taskcluster "
)
"""RE2: chooses every line that the rules of any time take, or that changes how they read."""


class ErrorRules(NamedTuple):
    """The rules of one time, compiled."""

    never: re.Pattern[str]
    excused: re.Pattern[str]
    kinds: tuple[tuple[str, re.Pattern[str]], ...]
    repeats: bool
    """Whether a line equal to the error line before it counts again."""


class ErrorLine(NamedTuple):
    """One error line: its number from 1, the text as Treeherder stores it, and what kind it is.

    `grave` means that the harness itself calls it CRITICAL or FATAL.
    """

    number: int
    text: str
    kind: str
    grave: bool = False


def _compile(
    never: tuple[str, ...],
    excused: tuple[str, ...],
    kinds: tuple[tuple[str, tuple[str, ...], str, str], ...],
    *,
    repeats: bool,
) -> ErrorRules:
    patterns = []
    for kind, contains, begins, matches in kinds:
        parts = [re.escape(words) for words in contains]
        parts += [f"^(?:{begins})"] if begins else []
        parts += [matches] if matches else []
        patterns.append((kind, re.compile("|".join(parts))))
    return ErrorRules(
        re.compile("|".join(never)), re.compile("|".join(excused)), tuple(patterns), repeats
    )


TODAY = _compile(
    (_NO_ERROR, _NO_CRASH), _EXCUSED + _EXCUSED_LATER, _KINDS_LATER + _KINDS, repeats=False
)
UNTIL_2020 = _compile((_NO_ERROR,), _EXCUSED, _KINDS, repeats=True)


class ErrorReader:
    """Judges lines one by one; remembers whether the log is Taskcluster's, and the last error."""

    def __init__(self, rules: ErrorRules) -> None:
        self._rules = rules
        self._taskcluster = False
        self._last: str | None = None

    def read(self, number: int, line: bytes) -> ErrorLine | None:
        """The error line that this line is, if it is one."""
        text = shown_text(line)
        self._taskcluster = self._taskcluster or text.startswith(_TASKCLUSTER)
        if self._taskcluster:
            text = _without_bracket(text)
        kind = kind_of(text, self._rules)
        if not kind:
            return None
        text = text.rstrip()
        if text == self._last and not self._rules.repeats:
            return None
        self._last = text
        stamp = _HARNESS_FAILS.match(text)
        return ErrorLine(number, text, kind, stamp is not None and stamp[1] != "ERROR")


def error_lines(content: Content, rules: ErrorRules = TODAY) -> Iterator[ErrorLine]:
    """All error lines of a log; Treeherder stores the first MOST_LINES of them."""
    return errors_among(chosen_lines(content, HINT), rules)


def errors_among(
    lines: Iterable[tuple[int, bytes]], rules: ErrorRules = TODAY
) -> Iterator[ErrorLine]:
    """The error lines among numbered lines: all of a log, or those that HINT chooses."""
    reader = ErrorReader(rules)
    for number, line in lines:
        if (found := reader.read(number, line)) is not None:
            yield found


def shown_text(line: bytes) -> str:
    """As much of a line as is looked at; all of one with performance data."""
    if _PERFORMANCE in line:
        return line.decode("utf-8", "replace")
    # A character has four bytes at most.
    return line[: MOST_CHARACTERS * 4].decode("utf-8", "replace")[:MOST_CHARACTERS]


def kind_of(text: str, rules: ErrorRules = TODAY) -> str:
    """What kind of error line a prepared line is; '' when it is none."""
    if rules.never.search(text):
        return ""
    if stamp := _HARNESS_FAILS.match(text):
        rest = text[stamp.end() :].strip()
        return next((kind for kind, found in rules.kinds if found.search(rest)), LEVEL)
    rest = _HARNESS_SAYS.sub("", text).rstrip()
    if rules.excused.search(rest) or _by_device(rest):
        return ""
    return next((kind for kind, found in rules.kinds if found.search(rest)), "")


def _without_bracket(text: str) -> str:
    """A line of a Taskcluster log without the bracket that holds its time, and the blank after."""
    if not text.startswith("[") or text.startswith("[taskcluster:"):
        return text
    end = text.find("]")
    if end < 0 or not text[end + 1 : end + 2].isspace() or not _YEAR.search(text, 1, end):
        return text
    return text[end + 2 :]


def _by_device(rest: str) -> bool:
    """Whether a device's own log says before the outcome of a test that it is the device's."""
    last = rest.rfind(_UNEXPECTED)
    return last >= 0 and _DEVICE.search(rest, 0, last) is not None
