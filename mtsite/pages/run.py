"""What the page of one run shows, and its JSON twin."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property, partial

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import urls
from mtsite.model import Run, RunFacts, RunRecord, RunSummary, TestName
from mtsite.pages import (
    attributes,
    charts,
    chips,
    comparing,
    disagreement,
    entry,
    failures,
    folded,
    issues,
    iterated,
    markdown,
    night,
    order,
    run_list,
    run_sentence,
    sharing,
    suspects,
    tally,
    timeline,
    waits,
    waived,
    words,
)
from mtsite.pages.beside import Beside, related_runs
from mtsite.pages.disagreement import Differences
from mtsite.pages.entry import Entry
from mtsite.pages.issues import Known
from mtsite.pages.page import SiteFrame, crumbs_to, frame_context
from mtsite.pages.place import run_foot, run_label, test_label
from mtsite.pages.relations import Relations
from mtsite.pages.run_list import RunList
from mtsite.pages.twin import twin
from mtsite.pages.weight import weight, within

__all__ = ["EDITION", "TEMPLATE", "Shown", "context", "divide", "twin"]

EDITION = 14
TEMPLATE = "run.html"
PAGE_ADDRESS = "\ufffc"
"""Stands for the address of the page in what its buttons copy (static/js/copy_text.js)."""

NAMES_ROOM = 7_000
"""Bytes for each list of names."""

_SAYS_NOTHING = frozenset({"", "n/a", "new"})
"""What the columns of a run hold all its life."""


class Shown(Struct, frozen=True, dict=True):
    """A run with all that its page tells; `verdicts` line up with its tests.

    `differences` is what `disagreement.of_all` found, `known` what annotations fit.
    """

    run: Run
    verdicts: Sequence[str]
    record: RunRecord
    facts: RunFacts
    summary: RunSummary
    differences: Differences
    known: Known = field(default_factory=dict)
    given: Relations | None = None

    @cached_property
    def relations(self) -> Relations:
        """Which of the tests hang on which: those `given`, for who has them already."""
        letters = [str(verdict) for verdict in self.verdicts]
        return self.given or Relations(self.run, letters, self.record.definitions)

    @property
    def muted(self) -> frozenset[TestName]:
        """The tests with an issue that is not over: they are counted apart."""
        return issues.muted_of(self.known)


def tests_of(shown: Shown) -> list[Entry]:
    """The counted tests as lists and filters know them, in the order of the run."""
    letters = [str(verdict) for verdict in shown.verdicts]
    kept = (shown.record, shown.facts)
    return entry.entries(shown.run, letters, kept, shown.differences, shown.muted)


def divide(shown: Shown) -> RunList:
    """Where each test of the run is shown: on its page, or beside it."""
    run, record, facts = shown.run, shown.record, shown.facts
    tests = tests_of(shown)
    bad = [one for one in tests if one.letter in words.BAD_LETTERS]
    good = [one for one in tests if one.letter not in words.BAD_LETTERS]
    listed = run_list.divide(
        run,
        failures.groups(
            *(run, bad, record, facts, shown.summary, shown.known),
            partial(waits.cause_words, shown.relations),
        ),
        folded.sections(good, run_list.toplevel_links(run, urls.run_page(run.key))),
        entry.gone_names(record, run),
    )
    marks = Counter(flag for one in tests for flag in one.flags.split())
    return replace(listed, marks=marks)


def context(frame: SiteFrame, shown: Shown, listed: RunList, beside: Beside) -> dict[str, object]:
    """The page of a run; `listed` is what `divide` made of it."""
    run, record, facts, summary = shown.run, shown.record, shown.facts, shown.summary
    path = urls.run_page(run.key)
    letters = [str(verdict) for verdict in shown.verdicts]
    crumbs = crumbs_to(path, run.key.area, run.key.target, run.keys)
    style, symbol, word = words.mark(summary.verdict)
    heading = words.heading(symbol, word, summary.counts)
    sentence = run_sentence.pieces(run, summary, facts, path, shown.muted)
    made = frame_context(
        frame,
        path,
        crumbs,
        title=f"{heading} · {run_label(run.key)} · {run.key.area}",
        description="".join(piece[0] for piece in sentence),
    )
    made |= _heading(run, summary, path, facts) | _lists(run, listed, path)
    gone = entry.gone_names(record, run)
    marks = Counter(listed.marks) + Counter(gone=len(gone))
    tops, tops_total = iterated.lines(run, letters)
    return made | {
        "night": night.link(frame, path, run.key.area, run.event_time),
        "letter": style,
        "symbol": symbol,
        "word": word,
        "sentence": sentence,
        "bar": charts.pass_bar(summary.counts),
        "bar_label": words.counted(summary.counts),
        "chips": chips.chips(summary, marks, listed.failures_total),
        "differing": disagreement.of_run(run, shown.differences, NAMES_ROOM),
        "fixed": _names(run, facts.fixed, path),
        "fixed_total": len(facts.fixed),
        "vanished": _names(run, facts.vanished, path),
        "vanished_total": len(facts.vanished),
        "gone_tests": _gone(record, gone, path),
        "gone_total": len(gone),
        "iterated": tops,
        "iterated_total": tops_total,
        "previous": facts.previous,
        "compared": comparing.shown(run, facts, path, shown.known),
        "waived": (waivers := waived.of_run(run, letters, facts, path))[0],
        "waived_total": waivers[1],
        "waived_open": waived.OPEN,
        "issues": issues.of_run(path, shown.known),
        "next_run": _run_link(path, run, beside.next_run),
        "slowest": tally.slowest(run),
        "most_changed": tally.most_changed(run, facts),
        "hosts": tally.hosts(run, letters),
        "suspects": suspects.of_run(run, facts, path),
        "timeline": timeline.shown(run, letters, path),
        "tests_total": words.total(summary.counts),
        "copies": _copies(frame, path, summary),
        "links": tuple(beside.links),
        "masked": _masked(record),
        **attributes.of_run(run, path),
        **order.shown(shown.relations, path),
        "related_runs": related_runs(beside.related, path),
        "leaving": urls.relative(path, urls.leaving_page()) if beside.leaving else "",
    }


def _masked(record: RunRecord) -> str:
    """How many secrets were found, where and by which rules; '' for none."""
    logs = [log for test in record.tests.values() for log in test.logs if log.redacted]
    counts = Counter(record.redacted)
    for log in logs:
        counts.update(log.redacted)
    if not counts:
        return ""
    rules = ", ".join(f"{name} {counts[name]}" for name in sorted(counts))
    places = [words.plural(len(logs), "log")] if logs else []
    places += ["the rows"] if record.redacted else []
    found = words.plural(sum(counts.values()), "secret")
    return f"{found} in {' and '.join(places)}: {rules}"


def _copies(frame: SiteFrame, path: str, summary: RunSummary) -> tuple[tuple[str, str], ...]:
    """(what it is, text) of the run for a chat."""
    base = frame.base_url.rstrip("/")
    address = f"{base}/{path}" if base else PAGE_ADDRESS
    return (
        ("one line", sharing.line(summary, address)),
        ("Markdown", sharing.markdown(summary, address)),
    )


def _lists(run: Run, listed: RunList, path: str) -> dict[str, object]:
    return {
        "failures": listed.failures,
        "failures_total": listed.failures_total,
        "failures_shown": listed.failures_shown,
        "failures_list": next(
            (urls.relative(path, one.path) for one in listed.lists if one.letter == one.BAD), ""
        ),
        "sections": tuple(_section(one) for one in listed.sections),
        "shards": " ".join(urls.relative(path, shard) for shard, _ in listed.shards),
    }


def _section(one: run_list.ShownSection) -> dict[str, object]:
    style, symbol, word = words.mark(one.section.letter)
    return {
        "letter": style,
        "symbol": symbol,
        "word": word.replace(" ", "-"),
        "title": one.section.title,
        "folding": one.section.folding,
        "groups": one.section.groups if one.inline else (),
        "inline": one.inline,
        "links": one.links,
        "more": one.more,
        "first": one.first,
    }


def _heading(run: Run, summary: RunSummary, path: str, facts: RunFacts) -> dict[str, object]:
    key = run.key
    duration = None
    if summary.event_time is not None and summary.end_time is not None:
        duration = summary.end_time - summary.event_time
    return {
        "area": key.area,
        "target": tuple(zip(run.keys, key.target, strict=False)),
        "runname": key.runname,
        "state_words": " ".join(w for w in (run.state, run.status) if w not in _SAYS_NOTHING),
        "started": words.when(summary.event_time),
        "took": words.duration(duration),
        "in_flight": bool(summary.counts.get("R")),
        "owner": run.owner,
        "contour": run.contour,
        "hosts_named": tally.host_names(run),
        "comment": markdown.folded_comment(run.comment),
        "in_flight_read": run.in_flight_read,
        "gone": summary.gone,
        **run_foot(path, key),
        "previous_run": _run_link(path, run, facts.previous),
        "good_run": _run_link(path, run, facts.last_good),
    }


def _run_link(path: str, run: Run, runname: str) -> tuple[str, str] | None:
    return (runname, run_sentence.run_link(path, run, runname)) if runname else None


def _names(run: Run, names: Sequence[TestName], path: str) -> tuple[tuple[str, str], ...]:
    rows = [
        (test_label(name), urls.relative(path, urls.test_page(run.key, name))) for name in names
    ]
    return within(rows, (50 + weight(*row) for row in rows), NAMES_ROOM)


def _gone(
    record: RunRecord, names: Sequence[TestName], path: str
) -> tuple[tuple[str, str, str, str, str], ...]:
    """(style, symbol, what it was, name, link) of tests whose rows are no more."""
    rows = [
        (
            *words.mark(record.tests[name].verdict),
            test_label(name),
            urls.relative(path, urls.test_page(record.key, name)),
        )
        for name in names
    ]
    return within(rows, (130 + weight(*row) for row in rows), NAMES_ROOM)
