"""Logs as the site keeps them: found by address, read by line, searched. No run directory is asked.

A log's text was masked before it was stored; escapes and control characters are taken out here,
since what comes out goes to a terminal.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from mtsite import record, rollup
from mtsite.errors import MissingError, UsageError
from mtsite.logs import ansi
from mtsite.logs.families import RuleSet
from mtsite.logs.masking import Masking
from mtsite.logs.opened import open_log
from mtsite.logs.own import own_rule
from mtsite.logs.plain import plain_text
from mtsite.logs.redact import Redactor
from mtsite.logs.scan import Judged, scan, sightings
from mtsite.logs.source import decode_line, numbered_blocks
from mtsite.logs.take import mapped, stored_around, stored_text
from mtsite.model import LogRecord, RunKey, RunRecord, TestName, TestRecord

EVERYTHING = 1_000_000
"""So many findings of a file are listed when its rules are tested."""

Span = tuple[int, int]
"""First and last line, both included."""

WHOLE: Span = (1, 1 << 62)


class Stored(Struct, frozen=True):
    """One log of one test, and the names of all that the test has."""

    site: Path
    key: RunKey
    test: TestName
    log: LogRecord
    others: tuple[str, ...]


class Matched(NamedTuple):
    """A line of a stored log that a pattern matches."""

    test: str
    log: str
    line: int
    text: str


def judge_file(
    path: Path, rule_set: RuleSet, redactor: Redactor, cap_bytes: int
) -> tuple[Judged, str]:
    """What rules say of a file, read as a log is: unpacked, masked, up to the cap; what is missing.

    Raises:
        MissingError: there is nothing that can be read.
    """
    # A link that leads to itself stays one, and is refused like any other.
    target = Path(os.path.realpath(path))
    with open_log(target, cap_bytes) as log, tempfile.TemporaryFile() as file:
        if not log.refused:
            file.writelines(Masking(redactor).blocks(log.read))
        file.flush()
        size = file.tell()
        if not size and log.note:
            raise MissingError(f"{path}: {log.note}", "name a log file")
        text = mapped(file) if size else b""
        return scan(text, rule_set, path.name, EVERYTHING), log.note


def find_stored(site: Path, address: str, log_name: str | None) -> Stored:
    """The log that AREA/KEY1/…/RUNNAME/TEST[/ITEM] and a name, or none, stand for.

    Without a name it is the one that speaks for the test: with its first failure, else its final
    log, else the first.

    Raises:
        MissingError: no such run, test or log is known to the site, or its text is not here.
        UsageError: the address names a run only.
    """
    try:
        found = record.find(site, address)
    except ValueError as wrong:
        raise MissingError(
            f"{address}: its record can't be read: {wrong}", "mtsite build"
        ) from None
    if found is None:
        raise MissingError(f"no run of the site is {address}", "mtsite build; mtsite area ls")
    kept, rest = found
    if not rest:
        raise UsageError(f"{address} is a run", f"mtsite log show {run_name(kept.key)}/TEST")
    name = (rest[0], "/".join(rest[1:]))
    test = kept.tests.get(name)
    if test is None:
        raise MissingError(f"no test {'/'.join(rest)} in {run_name(kept.key)}", "look at its page")
    logs = [log for log in test.logs if log.blob]
    names = tuple(log.name for log in logs)
    chosen = _speaking(logs) if log_name is None else _named(logs, log_name)
    if chosen is None:
        raise MissingError(f"{address}: {_no_log(test, log_name)}", _try_another(address, names))
    if not (site / chosen.blob).is_file():
        raise MissingError(f"{chosen.blob} is not in {site}", "mtsite build")
    return Stored(site, kept.key, name, chosen, names)


def finding_lines(log: LogRecord) -> list[Span]:
    """The lines of the failures listed for a log; where it has none, those of its warnings."""
    return [(one.first_line, one.last_line) for one in log.findings or log.warnings]


def numbered(stored: Stored, wanted: Iterable[Span]) -> Iterator[tuple[int, str]]:
    """The lines of these spans (in order, none twice) with their numbers, fit for a terminal."""
    done = 0
    for start, end in sorted(wanted):
        if end <= done:
            continue
        yield from _numbered(stored.site / stored.log.blob, max(start, done + 1), end)
        done = end


def _numbered(blob: Path, start: int, end: int) -> Iterator[tuple[int, str]]:
    above, text = stored_around(blob, start, end)
    for first, lines in numbered_blocks(text):
        for number, line in enumerate(lines, above + first - 1):
            if number > end:
                return
            if number >= start:
                yield number, shown(line)


def matches(
    site: Path, runs: Iterable[RunRecord], regex: str, takes: Callable[[TestName], bool]
) -> Iterator[Matched]:
    """The matching lines of the stored logs of these runs, of the tests that `takes` takes."""
    rule = own_rule("grep", regex, "error")
    for kept in runs:
        for name, test in sorted(kept.tests.items()):
            if not takes(name):
                continue
            address = "/".join(filter(None, (run_name(kept.key), *name)))
            for log in test.logs:
                if log.blob and (site / log.blob).is_file():
                    with plain_text(stored_text(site / log.blob)) as (plain, _):
                        for number, _, seen, _ in sightings(plain, (rule,), []):
                            yield Matched(address, log.name, number, shown(seen.excerpt))


def run_name(key: RunKey) -> str:
    """A run as it is written on a command line."""
    return "/".join((key.area, *key.target, key.runname))


def shown(line: bytes) -> str:
    """A line as text without escapes."""
    return decode_line(ansi.strip(line))[0]


def _speaking(logs: list[LogRecord]) -> LogRecord | None:
    first = rollup.first_finding(logs)
    if first is not None:
        return first[0]
    final = [log for log in logs if log.kind == "final"]
    return next(iter([*final, *logs]), None)


def _named(logs: list[LogRecord], name: str) -> LogRecord | None:
    return next((log for log in logs if log.name == name), None)


def _no_log(test: TestRecord, name: str | None) -> str:
    said = next((log for log in test.logs if log.name == name), None) if name else None
    if said is not None:
        return f"{name} is not stored: {said.ended or said.note or 'it has no text'}"
    return f"it has no stored log {name}" if name else "it has no stored log"


def _try_another(address: str, names: tuple[str, ...]) -> str:
    return f"mtsite log show {address} --log {names[0]}" if names else "look at its page"
