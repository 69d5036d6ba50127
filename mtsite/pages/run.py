"""What the page of one run shows, and its JSON twin."""

from collections.abc import Sequence

from mtsite import urls
from mtsite.model import Run, RunFacts, RunRecord, RunSummary, TestName
from mtsite.pages import charts, disagreement, failures, folded, markdown, tally, words
from mtsite.pages.page import SiteFrame, crumbs_to, frame_context
from mtsite.pages.place import run_label, test_label
from mtsite.pages.twin import twin

__all__ = ["EDITION", "TEMPLATE", "context", "twin"]

EDITION = 3
TEMPLATE = "run.html"
MAX_NAMES = 200

_SAYS_NOTHING = frozenset({"", "n/a", "new"})
"""What the columns of a run hold all its life."""

Piece = tuple[str, str, str]
"""(text, link or '', style or ''): a sentence is a row of pieces."""


def context(
    frame: SiteFrame,
    run: Run,
    verdicts: Sequence[str],
    record: RunRecord,
    facts: RunFacts,
    summary: RunSummary,
    next_run: str,
) -> dict[str, object]:
    """The page of a run; `verdicts` line up with its tests, `next_run` is '' for the newest."""
    path = urls.run_page(run.key)
    letters = [str(verdict) for verdict in verdicts]
    crumbs = crumbs_to(path, run.key.area, run.key.target, run.keys)
    label = run_label(run.key)
    style, symbol, word = words.mark(summary.verdict)
    sentence = _sentence(run, summary, facts, path)
    shown = frame_context(
        frame,
        path,
        crumbs,
        title=f"{symbol} {word} {label} · {run.key.area}",
        description="".join(piece[0] for piece in sentence),
    )
    shown.update(_heading(run, summary, path, next_run, facts))
    sections, hidden = folded.sections(run, letters)
    bad = failures.bad_indices(run, letters)
    shown |= {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "sentence": sentence,
        "bar": charts.pass_bar(summary.counts),
        "bar_label": words.counted(summary.counts),
        "chips": _chips(summary, len(bad)),
        "differing": disagreement.of_run(run, letters, record),
        "failures": failures.rows(run, letters, record, facts, summary),
        "failures_total": len(bad),
        "fixed": _names(run, facts.fixed, path),
        "fixed_total": len(facts.fixed),
        "vanished": tuple(test_label(name) for name in facts.vanished[:MAX_NAMES]),
        "vanished_total": len(facts.vanished),
        "previous": facts.previous,
        "sections": sections,
        "hidden": hidden,
        "slowest": tally.slowest(run),
        "most_changed": tally.most_changed(run, facts),
        "hosts": tally.hosts(run, letters),
        "tests_total": words.total(summary.counts),
    }
    return shown


def _heading(
    run: Run, summary: RunSummary, path: str, next_run: str, facts: RunFacts
) -> dict[str, object]:
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
        "comment": markdown.comment(run.comment),
        "in_flight_read": run.in_flight_read,
        "gone": summary.gone,
        "twin": urls.relative(path, urls.run_twin(key)),
        "previous_run": _run_link(path, run, facts.previous),
        "next_run": _run_link(path, run, next_run),
        "good_run": _run_link(path, run, facts.last_good),
    }


def _run_link(path: str, run: Run, runname: str) -> tuple[str, str] | None:
    if not runname:
        return None
    directory = urls.area_dir(run.key.area, run.key.target)
    page = urls.page(f"{directory}/{urls.segment(runname)}", "index.html")
    return runname, urls.relative(path, page)


def _sentence(run: Run, summary: RunSummary, facts: RunFacts, path: str) -> tuple[Piece, ...]:
    """What happened, what is not over, and what moved against the run before."""
    counts = summary.counts
    if not words.total(counts):
        return (("This run has no tests.", "", ""),)
    pieces: list[Piece] = [(words.outcome(counts), "", "lead")]
    progress = words.progress(counts)
    if progress:
        pieces.append((f" {progress}.", "", ""))
    if not facts.previous:
        pieces.append((" No previous run of this target to compare with.", "", "quiet"))
        return tuple(pieces)
    directory = urls.area_dir(run.key.area, run.key.target)
    page = urls.page(f"{directory}/{urls.segment(facts.previous)}", "index.html")
    named: Piece = (facts.previous, urls.relative(path, page), "")
    moved = _moved(run, summary, facts)
    if moved:
        return (*pieces, (" Against ", "", ""), named, (": ", "", ""), *moved, (".", "", ""))
    if facts.vanished or progress or words.bad(counts):
        tail = ": nothing new, nothing fixed."
        return (*pieces, (" Against ", "", ""), named, (tail, "", ""))
    return (*pieces, (" Nothing went wrong in ", "", ""), named, (" either.", "", ""))


def _moved(run: Run, summary: RunSummary, facts: RunFacts) -> list[Piece]:
    """What is new, still bad or fixed, and what went wrong before and has no verdict now."""
    moved: list[Piece] = []
    for number, word, anchor, style in (
        (summary.new, "new", "#failures", "new"),
        (summary.still, "still failing", "#failures", ""),
        (summary.fixed, "fixed", "#fixed", "fixed"),
        (_unjudged(run, facts), "that went wrong there without a verdict here", "", ""),
    ):
        if number:
            moved += [(", ", "", ""), (f"{words.number(number)} {word}", anchor, style)]
    return moved[1:]


def _unjudged(run: Run, facts: RunFacts) -> int:
    """How many tests were bad in the run compared with, and were skipped or did not end here."""
    if facts.previous not in facts.window:
        return 0
    back = len(facts.window) - facts.window.index(facts.previous)
    strips = [
        facts.tests[t.name].strip for t in run.tests if not t.toplevel and t.name in facts.tests
    ]
    return sum(
        len(strip) >= back and strip[-back] in words.BAD_LETTERS and strip[-1] in "RNS"
        for strip in strips
    )


def _chips(summary: RunSummary, bad: int) -> tuple[tuple[str, str, str, str, str], ...]:
    """(style, text, count, filter, anchor that works without script)."""
    counts = summary.counts
    # The part of a page that has nothing to show is not there.
    fixed = "#fixed" if summary.fixed else "#everything"
    chips = [
        ("", "all", words.number(words.total(counts)), "", "#everything"),
        ("bad", "went wrong", words.number(bad), "s:bad", "#failures"),
        ("new", "new", words.number(summary.new), "new", "#failures"),
        ("", "still", words.number(summary.still), "still", "#failures"),
        ("fixed", "fixed", words.number(summary.fixed), "fixed", fixed),
    ]
    for letter in words.WORST_FIRST:
        if counts.get(letter):
            anchor = "#failures" if letter in words.BAD_LETTERS else f"#all-{letter}"
            word = words.WORDS[letter]
            text = f"s:{word.replace(' ', '-')}"
            chips.append((letter, word, words.number(counts[letter]), text, anchor))
    return tuple(chips)


def _names(run: Run, names: Sequence[TestName], path: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (test_label(name), urls.relative(path, urls.test_page(run.key, name)))
        for name in names[:MAX_NAMES]
    )
