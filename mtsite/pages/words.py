"""Values into words: the same number, time, size and verdict reads alike on every page. Pure."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from typing import Protocol

from mtsite.model import Test
from mtsite.rollup import ABSENT, BAD, GOOD, RANK, Verdict

THIN = "\u202f"
"""Between groups of three digits and between a number and its unit: narrow, never broken."""

LINE_CHARACTERS = 160
_EPOCH_LIMIT = 253_402_300_800

SYMBOLS: Mapping[str, str] = {
    "P": "✓",
    "S": "↷",
    "W": "!",
    "V": "~",
    "C": "?",
    "D": "†",
    "F": "✗",
    "K": "⊗",
    "B": "⊘",
    "A": "■",
    "R": "▸",
    "N": "◌",
    ABSENT: "·",
}
WORDS: Mapping[str, str] = {
    "P": "pass",
    "S": "skip",
    "W": "warn",
    "V": "waived",
    "C": "check",
    "D": "dead",
    "F": "fail",
    "K": "killed",
    "B": "blocked",
    "A": "abort",
    "R": "running",
    "N": "not run",
    ABSENT: "not there",
}
COUNTED: Mapping[str, str] = {
    "P": "passed",
    "S": "skipped",
    "W": "with warnings",
    "V": "waived",
    "C": "to be checked",
    "D": "dead",
    "F": "failed",
    "K": "killed",
    "B": "blocked",
    "A": "aborted",
    "R": "running",
    "N": "not run",
}
BAD_LETTERS = frozenset(verdict.value for verdict in BAD)
GOOD_LETTERS = frozenset(verdict.value for verdict in GOOD)
WORST_FIRST: tuple[str, ...] = tuple(
    verdict.value for verdict in sorted(RANK, key=RANK.__getitem__, reverse=True)
)
"""Letters from worst to best, `NOT_RUN` last."""

_COMMA_OF_THREES = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ENDED = frozenset({"COMPLETED", "ARCHIVED"})
_RANK_OF: Mapping[str, int] = {verdict.value: rank for verdict, rank in RANK.items()}


def rank(letter: str) -> int:
    """How bad a letter is; one that nobody knows is as bad as a failure."""
    return _RANK_OF.get(letter, _RANK_OF[Verdict.FAIL.value])


def web_link(address: str) -> str:
    """An address that a page may link to; '' for any but a web or mail address."""
    return address if address.startswith(("https://", "http://", "mailto:")) else ""


def mark(letter: str) -> tuple[str, str, str]:
    """(letter for the style, symbol, word) of a verdict; an unknown one reads as a failure."""
    known = letter if letter in SYMBOLS else "F"
    return known if known != ABSENT else "x", SYMBOLS[known], WORDS[known]


def number(value: int) -> str:
    """An integer with its digits in threes: 4 310."""
    return f"{value:,}".replace(",", THIN) if value >= 10_000 or value <= -10_000 else str(value)


def threes(text: str) -> str:
    """A text of a log's record, whose numbers have commas, with the digits of all pages."""
    return _COMMA_OF_THREES.sub(THIN, text)


def plural(count: int, noun: str, many: str = "") -> str:
    """'1 test', '12 400 tests'; `many` where the plural doesn't end in s."""
    return f"{number(count)} {noun if count == 1 else many or noun + 's'}"


@lru_cache(maxsize=4096)
def duration(seconds: int | float | None) -> str:
    """'45 s', '3 m 09 s', '1 h 12 m', '2 d 04 h'; '' for None, a minus sign before negatives."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    whole = int(abs(seconds))
    sign = "−" if seconds < 0 else ""
    for unit, size, smaller, small in (("d", 86_400, "h", 3600), ("h", 3600, "m", 60)):
        if whole >= size:
            return f"{sign}{whole // size}{THIN}{unit} {whole % size // small:02d}{THIN}{smaller}"
    if whole >= 60:
        return f"{sign}{whole // 60}{THIN}m {whole % 60:02d}{THIN}s"
    return f"{sign}{whole}{THIN}s"


def size(size_bytes: int) -> str:
    """'812 B', '12.3 kB', '4.0 MB': powers of 1,000, as disks are sold and bandwidth is named."""
    if size_bytes < 1000:
        return f"{size_bytes}{THIN}B"
    value = size_bytes / 1000
    for unit in ("kB", "MB", "GB"):
        if value < 999.95 or unit == "GB":
            return f"{value:.1f}{THIN}{unit}" if value < 100 else f"{value:.0f}{THIN}{unit}"
        value /= 1000
    raise AssertionError("the last unit takes every size")


@lru_cache(maxsize=4096)
def when(epoch: int | None) -> tuple[str, str]:
    """(ISO 8601 in UTC, what a reader sees) of a time; ('', '') for None.

    A number that no calendar knows is shown as it is, without a machine-readable form.
    """
    if epoch is None:
        return "", ""
    if not 0 <= epoch < _EPOCH_LIMIT:
        return "", f"second {epoch}"
    # '2026-11-19T21:04:05+00:00' in a fifth of what one strftime takes.
    text = datetime.fromtimestamp(epoch, UTC).isoformat()
    return f"{text[:19]}Z", f"{text[:10]} {text[11:16]} UTC"


def scalar(value: object) -> str:
    """A measured value as its writer meant it: 3 for 3.0, '' for None, text as it is."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


def first_line(text: str) -> str:
    """The first line of a text that says something, blanks joined, at most 300 characters."""
    for line in text.splitlines():
        said = " ".join(line.split())
        if said:
            return said if len(said) <= 300 else said[:299] + "…"
    return ""


def failing_line(text: str) -> str:
    """The first line of an excerpt as lists of failures have it."""
    line = first_line(text)
    return line if len(line) <= LINE_CHARACTERS else line[: LINE_CHARACTERS - 1] + "…"


def joined(strip: str) -> tuple[tuple[str, int], ...]:
    """Runs of equal letters: 'PPPF' gives (('P', 3), ('F', 1)); a missing test is 'x'."""
    return tuple(
        ("x" if letter == ABSENT else letter, len(list(same))) for letter, same in groupby(strip)
    )


@lru_cache(maxsize=4096)
def strip_words(strip: str) -> str:
    """A strip (oldest first) for those who hear it: 'last 10 runs: 7 pass, 3 fail, now fail'."""
    parts = ", ".join(
        f"{strip.count(letter)} {WORDS.get(letter, 'fail')}"
        for letter in (*WORST_FIRST, ABSENT)
        if letter in strip
    )
    return f"last {plural(len(strip), 'run')}: {parts}; now {WORDS.get(strip[-1], 'fail')}"


def total(counts: Mapping[str, int]) -> int:
    """How many tests are counted."""
    return sum(counts.values())


def bad(counts: Mapping[str, int]) -> int:
    """How many of them went wrong, in whichever way."""
    return sum(number for letter, number in counts.items() if letter in BAD_LETTERS)


def counted(counts: Mapping[str, int], letters: Sequence[str] = WORST_FIRST) -> str:
    """'12 failed, 1 aborted' for those of the letters that occur, in the order given."""
    return ", ".join(
        f"{number(counts[letter])} {COUNTED[letter]}" for letter in letters if counts.get(letter)
    )


_BAD_FIRST = tuple(letter for letter in WORST_FIRST if letter in BAD_LETTERS)
_GOOD_ORDER = tuple(letter for letter in reversed(WORST_FIRST) if letter in GOOD_LETTERS)


def outcome(counts: Mapping[str, int]) -> str:
    """One sentence of what happened, without comparing: '12 of 430 tests failed.'"""
    all_tests = total(counts)
    if not all_tests:
        return "No test was counted."
    wrong = bad(counts)
    if wrong:
        kinds = [letter for letter in _BAD_FIRST if counts.get(letter)]
        share = f"{number(wrong)} of {plural(all_tests, 'test')}"
        if len(kinds) == 1:
            return f"{share} {COUNTED[kinds[0]]}."
        return f"{share} went wrong: {counted(counts, _BAD_FIRST)}."
    if counts.get("P", 0) == all_tests:
        return (
            "The one test passed." if all_tests == 1 else f"All {number(all_tests)} tests passed."
        )
    if not any(counts.get(letter) for letter in "RN"):
        return f"None of {plural(all_tests, 'test')} went wrong: {counted(counts, _GOOD_ORDER)}."
    return f"None of {plural(all_tests, 'test')} went wrong so far."


def heading(symbol: str, word: str, counts: Mapping[str, int]) -> str:
    """How a title begins: '✗ fail 12 of 430', '✓ pass 430'; no number where none was counted."""
    wrong, all_tests = bad(counts), total(counts)
    if not all_tests:
        return f"{symbol} {word}"
    share = f"{number(wrong)} of " if wrong else ""
    return f"{symbol} {word} {share}{number(all_tests)}"


def progress(counts: Mapping[str, int]) -> str:
    """'Still running: 17 of 36 ended' in flight, '3 not run' of what will not start, or ''."""
    if not counts.get("R"):
        return f"{number(counts['N'])} not run" if counts.get("N") else ""
    all_tests = total(counts)
    ended = all_tests - counts["R"] - counts.get("N", 0)
    return f"Still running: {number(ended)} of {number(all_tests)} ended"


def took(test: Test) -> str:
    """A test's duration; '' where a zero only says that it did not start or has not ended."""
    if not test.run_duration and test.state not in _ENDED:
        return ""
    return duration(test.run_duration)


def upper_first(text: str) -> str:
    """The text as the start of a sentence; names inside it stay as they are."""
    return text[:1].upper() + text[1:]


def waiting(counts: Mapping[str, int]) -> str:
    """'40 are still running, 3 have not run.' or ''."""
    parts = []
    if counts.get("R"):
        parts.append(f"{number(counts['R'])} still running")
    if counts.get("N"):
        parts.append(f"{number(counts['N'])} not run")
    return " · ".join(parts)


class Moved(Protocol):
    """What counts tests against earlier runs: a run, or a node that adds up many."""

    @property
    def new(self) -> int:
        """Good before, bad now."""

    @property
    def still(self) -> int:
        """Bad before and now."""

    @property
    def known(self) -> int:
        """Bad now, as annotations know."""

    @property
    def fixed(self) -> int:
        """Bad before, good now."""


def change_parts(run: Moved) -> tuple[tuple[str, str], ...]:
    """What moved against the run before, as (style, words): ('new', '3 new'), ('still', …), …"""
    counts = (
        ("new", "new", run.new),
        ("known", "known", run.known),
        ("still", "still failing", run.still),
        ("fixed", "fixed", run.fixed),
    )
    return tuple((style, f"{number(count)} {word}") for style, word, count in counts if count)


def change(run: Moved) -> str:
    """What moved against the run before in one line: '3 new, 2 known, 8 still failing', or ''."""
    return ", ".join(part for _, part in change_parts(run))


_SEPARATOR = re.compile(r"[_\-./: ]")


def prefix(name: str) -> str:
    """What a test's name begins with, up to the first separator: the group it is listed in."""
    found = _SEPARATOR.search(name, 1)
    return name[: found.start()] if found else name
