"""What `git log` prints, as pushes: in the format below, or as it is without any format.

In that format each commit names its parents: what the first parents of the newest commit lead
through are the pushes, and a merge brings in the commits that were not there before it. Without it
each commit is a push of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone

from msgspec import Struct

from mtsite.objects.shape import ObjectError
from mtsite.provenance import Commit, Push
from mtsite.spelled import moment

FORMAT = "%H%x09%P%x09%ct%x09%an%x09%s"
LONGEST_MESSAGE = 4000
_LINE = re.compile(r"([0-9a-f]{40,64})\t([0-9a-f ]*)\t(\d{1,18})\t([^\t]*)\t(.*)")
_COMMIT = re.compile(r"commit ([0-9a-f]{40,64})(?: .*)?")
_HEADER = re.compile(r"(Author|AuthorDate|Date|Merge|Commit|CommitDate): +(.*)")
_DATE = re.compile(r"\w{3} (\w{3}) +(\d+) (\d+):(\d+):(\d+) (\d{4}) ([+-])(\d\d)(\d\d)")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class _Told(Struct):
    """A commit as the log tells it; `parents` are known where the format has them."""

    revision: str
    parents: Sequence[str] = ()
    author: str = ""
    time: int | None = None
    message: str = ""

    def commit(self) -> Commit:
        return Commit(self.revision, self.author, self.time, self.message.strip()[:LONGEST_MESSAGE])


def is_git_log(text: str) -> bool:
    """Whether this looks like what `git log` prints."""
    first = text.lstrip().partition("\n")[0].rstrip("\r")
    return bool(_LINE.fullmatch(first) or _COMMIT.fullmatch(first))


def read_git_log(text: str) -> list[Push]:
    """The pushes of a log, oldest first.

    Raises:
        ObjectError: a line is of another form; the message has its number.
    """
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    told = list(_plain(lines) if first.startswith("commit ") else _formatted(lines))
    if any(one.parents for one in told):
        return _by_first_parents(told)
    return [_push([one.commit()]) for one in reversed(told)]


def _formatted(lines: Sequence[str]) -> Iterator[_Told]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line.rstrip("\r"))
        if found is None:
            raise ObjectError(f"line {number}: not of the form --format='{FORMAT}'")
        revision, parents, when, author, subject = found.groups()
        yield _Told(revision, parents.split(), author, _bounded(int(when)), subject)


def _plain(lines: Sequence[str]) -> Iterator[_Told]:
    told: _Told | None = None
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r")
        if found := _COMMIT.fullmatch(line):
            if told is not None:
                yield told
            told = _Told(found[1])
        elif told is None and line.strip():
            raise ObjectError(f"line {number}: no commit before it")
        elif told is not None and (header := _HEADER.fullmatch(line)):
            _note(told, header[1], header[2])
        elif told is not None and len(told.message) > 2 * LONGEST_MESSAGE:
            continue
        elif told is not None and (line.startswith("    ") or (not line and told.message)):
            told.message += f"{line[4:]}\n"
    if told is not None:
        yield told


def _note(told: _Told, name: str, value: str) -> None:
    if name == "Author":
        told.author = value.rpartition(" <")[0] or value
    elif name == "CommitDate" or (name.endswith("Date") and told.time is None):
        told.time = _date(value)


def _date(text: str) -> int | None:
    """The dates of `git log` without --date, with --date=iso, --date=unix or --date=raw."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        number = text.split(" ")[0]
        if number.isascii() and number.isdigit():
            return _bounded(int(number[:18]))
        when = moment(re.sub(r" ([+-]\d\d)(\d\d)$", r"\1:\2", text.strip()))
        return None if when is None else int(when)
    month, day, hour, minute, second, year, sign, hours, minutes = found.groups()
    away = timedelta(hours=int(hours), minutes=int(minutes)) * (1 if sign == "+" else -1)
    try:
        zone = timezone(away)
        clock = (int(hour), int(minute), int(second))
        there = datetime(int(year), _MONTHS.index(month) + 1, int(day), *clock, tzinfo=zone)
        return _bounded(int(there.astimezone(UTC).timestamp()))
    except (ValueError, OverflowError):
        return None


def _bounded(seconds: int) -> int | None:
    return seconds if 0 <= seconds < 253_402_300_800 else None


def _by_first_parents(told: Sequence[_Told]) -> list[Push]:
    known = {one.revision: one for one in told}
    order = {one.revision: at for at, one in enumerate(reversed(told))}
    parents = {one.revision: one.parents for one in told}
    chain: dict[str, None] = {}
    at = told[0].revision
    while at in known and at not in chain:
        chain[at] = None
        at = next(iter(parents[at]), "")
    taken: set[str] = set()
    pushes: list[Push] = []
    for head in reversed(chain):
        brought = _reached(head, parents, taken)
        brought.sort(key=lambda revision: (revision == head, order[revision]))
        if brought:  # of commits that go round in a circle, which git never tells, one takes all
            pushes.append(_push([known[revision].commit() for revision in brought]))
    return pushes


def _reached(head: str, parents: Mapping[str, Sequence[str]], taken: set[str]) -> list[str]:
    """The commits that a head brings in, which no push before it had."""
    found: list[str] = []
    waiting = [head]
    while waiting:
        revision = waiting.pop()
        if revision not in taken and revision in parents:
            taken.add(revision)
            found.append(revision)
            waiting += parents[revision]
    return found


def _push(commits: list[Commit]) -> Push:
    return Push(tuple(commits), "", commits[-1].author, commits[-1].time)
