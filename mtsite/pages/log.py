"""What the page of one log shows: its head, what was found in it, its lines."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from mtsite import urls
from mtsite.logs.blocks import BlockedText
from mtsite.logs.levels import RANKS
from mtsite.logs.lines import Lines, PlainLines
from mtsite.logs.source import Content
from mtsite.model import Finding, LogRecord, RunKey, TestName
from mtsite.pages import words
from mtsite.pages.catalogue import rule_link
from mtsite.pages.facts import fact_lines, shown_facts
from mtsite.pages.logindex import index_document, index_key
from mtsite.pages.loglines import DEFAULT, LEVEL_CLASSES, Links, log_lines
from mtsite.pages.page import Crumb, SiteFrame, crumbs_to, frame_context
from mtsite.pages.part import part_of, parts_of
from mtsite.pages.place import run_foot, run_label, test_label
from mtsite.rollup import Verdict

EDITION = 11
TEMPLATE = "log.html"
_LEVELS = {"WARNING": "W", "CRITICAL": "A"}


def context(
    frame: SiteFrame,
    key: RunKey,
    name: TestName,
    verdict: Verdict,
    log: LogRecord,
    content: Content | Lines,
    *,
    keys: Sequence[str] = (),
    siblings: Sequence[str] = (),
) -> dict[str, object]:
    """One log; `content` is the redacted text that its blob holds, `keys` the area's key names.

    `siblings` are the names of all logs of the test that have a page, this one among them, in the
    order of the test's page: they make the links to the log before and after.
    """
    path = urls.log_page(key, name, log.name)
    test = urls.relative(path, urls.test_page(key, name))
    label = test_label(name)
    base = _base(frame, key, tuple(keys), path)
    address = frame.base_url.rstrip("/")
    style, symbol, word = words.mark(verdict.value)
    found = words.plural(log.finding_count, "finding") if log.finding_count else "nothing found"
    raw = "../" * path.count("/") + log.blob if log.blob else ""
    text = PlainLines(content) if isinstance(content, Content) else content
    before, after = _neighbours(key, name, log.name, siblings)
    return {
        **base.shown,
        "title": f"{symbol} {word} {log.name} · {label} · {base.run}",
        "description": f"{label}: {found} in {words.plural(log.lines, 'line')}",
        "address": f"{address}/{path}" if address else "",
        "crumbs": (*base.crumbs, (label, test, "test")),
        "letter": style,
        "symbol": symbol,
        "word": word,
        "name": log.name,
        "test": label,
        "test_href": test,
        "size": words.size(log.size),
        "lines_total": words.plural(log.lines, "line"),
        "raw": raw,
        "packed": _packed(log, text),
        "view": _view(path, key, name, log, text),
        "findings": tuple(_finding(found, path) for found in log.findings),
        "findings_total": log.finding_count,
        "warnings": tuple(_finding(found, path) for found in log.warnings),
        "warnings_total": log.warning_count,
        "levels": tuple(_level(level, log.levels[level]) for level in RANKS if level in log.levels),
        "facts": shown_facts(log),
        "notices": _notices(log),
        "unusual": None,
        "before": _sibling(path, key, name, before),
        "after": _sibling(path, key, name, after),
        "lines": _lines(path, key, name, log, text) if text.lines else "",
    }


def _lines(path: str, key: RunKey, name: TestName, log: LogRecord, text: Lines) -> str:
    parts = frozenset(parts_of(log, text.lines))

    def part(line: int) -> str:
        number = part_of(line)
        if number not in parts:
            return ""
        return f"{urls.relative(path, urls.log_part(key, name, log.name, number))}#L{line}"

    return log_lines(
        text,
        (*log.warnings, *log.findings),
        links=Links("../" * path.count("/") + log.blob, part),
        shown=replace(DEFAULT, lines=fact_lines(log)),
        levels=_levels(log, text),
    )


def _levels(log: LogRecord, text: Lines) -> bool | str:
    """Whether lines have levels, or the one that all have: then nobody looks for it again."""
    only = next(iter(log.levels)) if len(log.levels) == 1 else ""
    return only if only and log.levels[only] == text.lines else bool(log.levels)


def _packed(log: LogRecord, text: Lines) -> tuple[str, str] | None:
    """Of a log that is stored packed: how large that is, and the name for who saves it."""
    if not isinstance(text, BlockedText):
        return None
    name = log.name.rsplit("/", 1)[-1].removesuffix(".gz")
    return words.size(sum(block.packed for block in text.blocks)), f"{name}.gz"


def _view(path: str, key: RunKey, name: TestName, log: LogRecord, text: Lines) -> dict[str, object]:
    """What the script needs to show lines that are not on the page."""
    shown: dict[str, object] = {"lines": text.lines, "bytes": log.size, "index": "", "key": ""}
    shown["levels"] = bool(log.levels)
    if isinstance(text, BlockedText):
        shown["key"] = digest = index_key(index_document(text))
        shown["index"] = urls.relative(path, urls.log_index(key, name, log.name, digest))
    return shown


def _level(level: str, lines: int) -> tuple[str, str, str]:
    """(class, level, how many lines)."""
    return LEVEL_CLASSES[level], level, words.plural(lines, "line")


class _Base(Struct, frozen=True):
    """What the log pages share that lie equally deep below one run."""

    shown: Mapping[str, object]
    crumbs: tuple[Crumb, ...]
    run: str


def _base(frame: SiteFrame, key: RunKey, keys: tuple[str, ...], path: str) -> _Base:
    """The shared part for a page; links of a path that was cut are its own."""
    if "/~~" in path:
        return _make_base(frame, key, keys, path)
    return _base_at(frame, key, keys, path.count("/"))


@lru_cache(maxsize=64)
def _base_at(frame: SiteFrame, key: RunKey, keys: tuple[str, ...], depth: int) -> _Base:
    # Any page of this depth inside the run has the same links upwards.
    directory = urls.run_dir(key)
    below = depth - directory.count("/") - 1
    return _make_base(frame, key, keys, f"{directory}/{'x/' * below}x.html")


def _make_base(frame: SiteFrame, key: RunKey, keys: tuple[str, ...], path: str) -> _Base:
    crumbs = crumbs_to(path, key.area, key.target, keys)
    crumbs.append((key.runname, urls.relative(path, urls.run_page(key)), "run"))
    shown = frame_context(frame, path, (), title="", description="") | run_foot(path, key)
    return _Base(shown, tuple(crumbs), run_label(key))


def _finding(found: Finding, path: str) -> tuple[str, ...]:
    """Style, symbol, line, its fragment, what stands there, code, link to it, title, its link."""
    style, symbol, _ = words.mark(_LEVELS.get(found.level.upper(), "F"))
    line = str(found.first_line)
    rule = (found.rule, rule_link(path, found.rule))
    means = (found.title, words.web_link(found.link))
    return style, symbol, line, f"#L{line}", words.first_line(found.excerpt), *rule, *means


def _notices(log: LogRecord) -> tuple[str, ...]:
    """What a reader must know before trusting the text."""
    notices = [words.threes(log.note)] if log.note else []
    masked = sum(log.redacted.values())
    if masked:
        rules = ", ".join(f"{rule} {log.redacted[rule]}" for rule in sorted(log.redacted))
        text = f"{words.plural(masked, 'secret')} masked before this log was stored: {rules}."
        if log.reported:
            found = "place that looks like a secret", "places that look like secrets"
            text = f"{words.plural(masked, *found)}, not masked: {rules}."
        notices.append(text if log.reported else f"{text} Masks look like ▮▮▮[rule]▮▮▮.")
    if log.broken_bytes:
        broken = words.plural(log.broken_bytes, "byte")
        read = "a line that reads as Latin-1 is shown as that, in others they are shown as \ufffd"
        notices.append(f"{broken} of this log are not UTF-8: {read}.")
    return (*notices, *log.faults)


def _neighbours(key: RunKey, name: TestName, log: str, siblings: Sequence[str]) -> tuple[str, str]:
    if log not in siblings:
        return "", ""
    at = list(siblings).index(log)
    before = siblings[at - 1] if at else ""
    return before, siblings[at + 1] if at + 1 < len(siblings) else ""


def _sibling(path: str, key: RunKey, name: TestName, log: str) -> tuple[str, str] | None:
    return (log, urls.relative(path, urls.log_page(key, name, log))) if log else None
