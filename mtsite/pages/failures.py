"""What went wrong in a run: new first, equal failures together and folded. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtsite import urls
from mtsite.comparison import is_slower
from mtsite.facts import KnownIssue
from mtsite.model import Run, RunFacts, RunRecord, RunSummary, Test, TestFacts, TestName
from mtsite.pages import words
from mtsite.pages.entry import KNOWN, Entry, dimmed
from mtsite.pages.weight import weight
from mtsite.rollup import first_finding

FOLD_LEAST = 4
"""So many tests with one line are one row that opens."""

MAX_LINE = 200
_ROW_BYTES = 520
_SMALL_ROW_BYTES = 260
_FOLD_BYTES = 240
_ORDER = {"new": 0, "still": 1, "flaky": 2, KNOWN: 3, "": 4}
_NO_ISSUES: Mapping[TestName, Sequence[KnownIssue]] = {}
_NO_FACTS = TestFacts()

Cause = Callable[[TestName], str]


def _no_cause(_: TestName) -> str:
    return ""


class Row(Struct, frozen=True):
    """A test that went wrong. `tag` is new, flaky, still, known or ''; `since_runs` '7' or
    '100+'.

    `line` is its first failing line, `line_href` where it stands, `place` that place in words;
    `same` is equal for equal lines (their hash without numbers). `silence` says why there is none.
    `issue` is what somebody knows of it. `ditto`: the row above has the same line. `alike` is how
    many tests of this tag have it.
    """

    entry: Entry
    letter: str
    symbol: str
    word: str
    shared: str
    rest: str
    tag: str
    since_runs: str
    line: str
    line_href: str
    place: str
    same: str
    silence: str
    strip: str
    slower: bool
    of_items: str
    issue: KnownIssue | None = None
    alike: int = 1
    ditto: bool = False

    @property
    def stretches(self) -> tuple[tuple[str, int], ...]:
        """Its last ten verdicts as a strip shows them."""
        return words.joined(self.strip)

    @property
    def strip_label(self) -> str:
        """The same for those who hear it."""
        return words.strip_words(self.strip) if self.strip else ""


class Shown(Struct, frozen=True):
    """Rows with one line as the page shows them: `rows` open, `rest` folded, of `rest_total`."""

    rows: tuple[Row, ...]
    rest: tuple[Row, ...] = ()
    rest_total: int = 0


def groups(
    run: Run,
    bad: Sequence[Entry],
    record: RunRecord,
    facts: RunFacts,
    summary: RunSummary,
    known: Mapping[TestName, Sequence[KnownIssue]] = _NO_ISSUES,
    cause: Cause = _no_cause,
) -> list[tuple[Row, ...]]:
    """Rows of equal first lines together: new ones first, then still bad, flaky, known ones.

    Inside each the largest group comes first; inside a group what is worst. `cause` tells of a
    test that never began what kept it from that.
    """
    lines = {(f.testname, f.item_path): f.line for f in summary.failures}
    items = _bad_items(run, bad)
    told = (record, facts, known, cause)
    rows = [_row(run, one, told, lines, items) for one in bad]
    sizes = Counter((row.tag, row.same) for row in rows)

    def order(row: Row) -> tuple[int, int, str, int, int]:
        size = sizes[row.tag, row.same]
        return (
            _ORDER[row.tag],
            -size,
            row.same,
            -words.rank(row.entry.letter),
            row.entry.index,
        )

    found: list[list[Row]] = []
    for row in sorted(rows, key=order):
        above = found[-1][-1] if found else None
        if above is not None and (above.tag, above.same) == (row.tag, row.same):
            found[-1].append(replace(row, ditto=True))
        else:
            found.append([replace(row, alike=sizes[row.tag, row.same])])
    return [tuple(group) for group in found]


def on_page(found: Sequence[tuple[Row, ...]], room: int) -> tuple[tuple[Shown, ...], int]:
    """What fits into so many bytes, and how many rows that is.

    Every group has its first row before any fold has its content.
    """
    heads: list[Shown] = []
    for group in found:
        rows = group if len(group) < FOLD_LEAST else group[:1]
        cost = sum(_weight(row) for row in rows) + (_FOLD_BYTES if len(rows) < len(group) else 0)
        if cost > room:
            # Folds stay empty, or they would take the place of groups that nobody sees.
            room = 0
            break
        room -= cost
        heads.append(Shown(rows, (), len(group) - len(rows)))
    shown = []
    for head, group in zip(heads, found, strict=False):
        rest: list[Row] = []
        for row in group[len(head.rows) :]:
            cost = small_weight(row)
            if cost > room:
                break
            room -= cost
            rest.append(row)
        shown.append(replace(head, rest=tuple(rest)))
    return tuple(shown), sum(len(one.rows) + len(one.rest) for one in shown)


def small_weight(row: Row) -> int:
    """Bytes of a row inside a fold or on a list page."""
    e = row.entry
    texts = (e.href, row.line_href, e.testname, e.item_path, row.place, e.host, e.tags)
    return _SMALL_ROW_BYTES + weight(*texts)


def _weight(row: Row) -> int:
    e = row.entry
    strips = 20 * len(row.stretches) + 2 * len(row.strip_label)
    texts = [e.href, row.line_href, row.line, row.line, e.testname, e.item_path, e.host, e.tags]
    if row.issue is not None:
        texts += [row.issue.title, row.issue.link]
    return _ROW_BYTES + strips + weight(*texts)


def _row(
    run: Run,
    one: Entry,
    told: tuple[RunRecord, RunFacts, Mapping[TestName, Sequence[KnownIssue]], Cause],
    lines: Mapping[TestName, str],
    items: Mapping[str, str],
) -> Row:
    record, facts, known, cause = told
    test = run.tests[one.index]
    past = facts.tests.get(test.name, _NO_FACTS)
    style, symbol, word = words.mark(one.letter)
    line, href, place, same = _first_line(run, test, record, lines)
    silence = "" if line else _silence(test, record, cause)
    tag = "flaky" if past.flaky and one.change not in {"new", KNOWN} else one.change
    since = f"{past.since_runs}+" if past.capped else str(past.since_runs)
    return Row(
        one,
        style,
        symbol,
        word,
        *dimmed(one.testname),
        tag,
        since if tag == "still" and past.since else "",
        line,
        href,
        place,
        # A line that no rule found has no hash: the text itself tells equal ones.
        same or f"~{line or silence}",
        silence,
        past.strip[-10:],
        is_slower(test.run_duration, past.usual),
        items.get(one.testname, "") if one.item_path else "",
        next(iter(known.get(test.name, ())), None),
    )


def _silence(test: Test, record: RunRecord, cause: Cause) -> str:
    """Why there is no failing line to show."""
    waited = test.status in {"PREQ_FAIL", "PREQ_DISCARDED"}
    if waited or test.state == "NOT_STARTED":
        known = cause(test.name) or ("a test that it waits for went wrong" if waited else "")
        return f"did not start: {known}" if known else "did not start"
    kept = record.tests.get(test.name)
    if kept is None or not any(log.blob for log in kept.logs):
        return "no log was found"
    return "no failing line was found in its logs"


def _first_line(
    run: Run, test: Test, record: RunRecord, lines: Mapping[TestName, str]
) -> tuple[str, str, str, str]:
    """(line, link to it, 'sim.log:1482', hash without its numbers)."""
    kept = record.tests.get(test.name)
    first = first_finding(kept.logs if kept else (), test.steps)
    if first is None:
        return _cut(words.first_line(lines.get(test.name) or test.comment)), "", "", ""
    log, found = first
    line = _cut(words.first_line(found.excerpt))
    if not log.blob:
        return line, "", "", found.masked
    page = urls.relative(urls.run_page(run.key), urls.log_page(run.key, test.name, log.name))
    place = f"{log.name.rpartition('/')[2]}:{found.first_line}"
    return line, f"{page}#L{found.first_line}", place, found.masked


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LINE else line[: MAX_LINE - 1] + "…"


def _bad_items(run: Run, bad: Sequence[Entry]) -> dict[str, str]:
    """Testname → '3 of 12 items' for iterated tests of which items went wrong."""
    wrong = Counter(one.testname for one in bad if one.item_path)
    items = Counter(t.testname for t in run.tests if t.item_path and t.testname in wrong)
    return {name: f"{wrong[name]} of {words.plural(items[name], 'item')}" for name in wrong}
