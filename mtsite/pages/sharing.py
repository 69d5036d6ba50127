"""What leaves the site: badges, feeds, and a run in one line or a few of Markdown. Pure."""

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from mtsite import urls
from mtsite.model import RunSummary
from mtsite.pages import words
from mtsite.pages.page import SiteFrame

FEED_RUNS = 50
MARKDOWN_FAILURES = 10
_CHARACTER = 6.4
_PADDING = 7
_COLOURS = {"good": "#1f7a3d", "warn": "#8a5a00", "bad": "#b3261e", "open": "#5f6368"}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_NAMESPACE = uuid.UUID("6f1e2b60-3f0e-5b0c-9d4e-6d7473697465")
"""Of the ids of entries: a run has the same one wherever the site lies."""


def badge(label: str, newest: RunSummary) -> bytes:
    """The badge of a target: what it is called, and how its newest run went, as SVG."""
    said, colour = _badge_words(newest)
    left, right = (int(len(text) * _CHARACTER) + 2 * _PADDING for text in (label, said))
    words_ = _xml(f"{label}: {said}, run {newest.key.runname}")
    texts = ((left // 2, label), (left + right // 2, said))
    drawn = "".join(
        f'<text x="{x}" y="14" fill="#fff" text-anchor="middle">{_xml(text)}</text>'
        for x, text in texts
    )
    width = left + right
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img"'
        f" aria-label={_quoted(words_)}><title>{words_}</title>"
        f'<rect width="{width}" height="20" rx="3" fill="#3c3c3c"/>'
        f'<rect x="{left}" width="{right}" height="20" rx="3" fill="{colour}"/>'
        f'<rect x="{left}" width="4" height="20" fill="{colour}"/>'
        f'<g font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{drawn}</g></svg>\n'
    ).encode()


def _badge_words(newest: RunSummary) -> tuple[str, str]:
    counts = newest.counts
    everything, wrong = words.total(counts), words.bad(counts)
    if wrong:
        return f"{wrong} of {everything} failed", _COLOURS["bad"]
    if counts.get("R") or not everything:
        return "running" if everything else "no tests", _COLOURS["open"]
    passed = counts.get("P", 0)
    if counts.get("N"):
        done = words.total({letter: n for letter, n in counts.items() if letter != "N"})
        return f"{done} of {everything} ran" if done else "not run", _COLOURS["open"]
    if not passed and set(counts) == {"S"}:
        return "skipped", _COLOURS["open"]
    if set(counts) <= {"P", "S"}:
        share = f"{passed} of {everything}" if passed < everything else f"{passed}"
        return f"{share} passed", _COLOURS["good"]
    return "passed, with warnings", _COLOURS["warn"]


def feed(frame: SiteFrame, path: str, title: str, runs: Sequence[RunSummary]) -> bytes:
    """The runs that have ended, newest first, at most 50, as Atom.

    Links are absolute where the site knows its address; else relative to the feed.
    """
    ended = [run for run in runs if not run.counts.get("R")][:FEED_RUNS]
    base = frame.base_url.rstrip("/")
    own = f"{base}/{path}" if base else path.rpartition("/")[2]
    page = path.removesuffix("feed.xml") + "index.html"
    beside = f"{base}/{page}" if base else "index.html"
    updated = max((_when(run) for run in ended), default=0)
    head = (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<id>{_id(path)}</id>\n<title>{_xml(title)}</title>\n<updated>{_time(updated)}</updated>\n"
        f"<author><name>{_xml(frame.title)}</name></author>\n"
        f'<link rel="self" type="application/atom+xml" href={_attribute(own)}/>\n'
        f'<link rel="alternate" type="text/html" href={_attribute(beside)}/>\n'
    )
    entries = "".join(_entry(base, path, run) for run in ended)
    return f"{head}{entries}</feed>\n".encode()


def _entry(base: str, path: str, run: RunSummary) -> str:
    page = urls.run_page(run.key)
    link = f"{base}/{page}" if base else urls.relative(path, page)
    _, symbol, word = words.mark(run.verdict)
    title = f"{symbol} {word} {'/'.join((*run.key.target, run.key.runname))}"
    failures = [
        f"{'/'.join(filter(None, (one.testname, one.item_path)))}: {one.line}"
        for one in run.failures
    ]
    return (
        f"<entry>\n<id>{_id(page)}</id>\n<title>{_xml(title)}</title>\n"
        f"<updated>{_time(_when(run))}</updated>\n"
        f'<link rel="alternate" type="text/html" href={_attribute(link)}/>\n'
        f"<summary>{_xml(chr(10).join([outcome(run), *failures]))}</summary>\n</entry>\n"
    )


def outcome(run: RunSummary) -> str:
    """'12 of 430 tests failed. 3 new, 8 still failing.' in one line."""
    moved = words.change(run)
    return f"{words.outcome(run.counts)} {moved}." if moved else words.outcome(run.counts)


def line(run: RunSummary, address: str) -> str:
    """A run as one line of text for a chat: its state, its name, what happened, where."""
    _, symbol, word = words.mark(run.verdict)
    name = "/".join((run.key.area, *run.key.target, run.key.runname))
    return _one_line(f"{symbol} {word} {name}: {outcome(run)} {address}".rstrip())


def markdown(run: RunSummary, address: str) -> str:
    """The same as Markdown, with its first failures: `- TEST : FAIL, first failing line`."""
    _, symbol, word = words.mark(run.verdict)
    name = _plain("/".join((run.key.area, *run.key.target, run.key.runname)))
    linked = f"[{name}](<{address}>)" if address else name
    lines = [f"**{symbol} {word}** {linked}: {outcome(run)}"]
    if run.failures:
        lines.append("")
    for one in run.failures[:MARKDOWN_FAILURES]:
        test = _plain("/".join(filter(None, (one.testname, one.item_path))))
        said = f", {_plain(one.line)}" if one.line else ""
        lines.append(f"- {test} : {words.mark(one.verdict)[2].upper()}{said}")
    rest = words.bad(run.counts) - len(run.failures)
    if run.failures and rest > 0:
        lines.append(f"- and {words.number(rest)} more")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(printable(text).split())


def _id(path: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, path)}"


def _when(run: RunSummary) -> int:
    found = run.end_time or run.event_time or 0
    return found if words.when(found)[0] else 0


def _time(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def printable(text: str) -> str:
    """Without characters that no document may have: U+FFFD stands for each."""
    return _NO_XML.sub("\ufffd", text)


def _xml(text: str) -> str:
    return escape(printable(text), quote=False)


def _attribute(text: str) -> str:
    return _quoted(_NO_XML.sub("\ufffd", text))


def _quoted(text: str) -> str:
    """As xml.sax.saxutils.quoteattr, which comes with a client of HTTP that no build needs."""
    text = escape(text, quote=False)
    for character, written in (("\n", "&#10;"), ("\r", "&#13;"), ("\t", "&#9;")):
        text = text.replace(character, written)
    if '"' in text and "'" not in text:
        return f"'{text}'"
    return '"' + text.replace('"', "&quot;") + '"'
