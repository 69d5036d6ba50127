"""One JUnit XML file → its items, one after the other: a stream over expat's events.

What is refused, with file and line: XML that is not well-formed or breaks off, entities that the
document declares itself (bombs are made of them) or takes from elsewhere, a tag of more than 16 MB,
groups nested deeper than 100, and any root element that is not JUnit's. Unknown elements are
passed over; unknown attributes of an item are kept.
"""

import xml.parsers.expat as expat
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Protocol

from msgspec import Struct, field

from mtsite.errors import OtherFormatError, RefusedFileError
from mtsite.junit import names
from mtsite.junit.text import Text
from mtsite.spelled import moment, seconds

CHUNK = 1 << 18
LONGEST_TAG = 1 << 24
DEEPEST = 100
ROOTS = frozenset({"testsuites", "testsuite", "testrun"})

PASSED, FAILED, ERROR, SKIPPED = "passed", "failed", "error", "skipped"
_WORSE = {PASSED: 0, SKIPPED: 1, FAILED: 2, ERROR: 3}
_NOT_RUN = frozenset({"notrun", "disabled", "suppressed", "ignored", "skipped"})
_KNOWN = frozenset({"name", "classname", "time", "timestamp", "hostname", "status", "result"})

Attributes = dict[str, str]


class Group(Struct):
    """A group (testsuite) while it is open; `clock` is when its next item begins, Unix seconds."""

    name: str
    clock: float | None
    hostname: str
    depth: int
    properties: list[tuple[str, str]] = field(default_factory=list)
    outputs: list[tuple[str, Text]] = field(default_factory=list)
    test: str = ""


class Problem(Struct):
    """Why an item did not pass, or one attempt at it: `kind` is FAILED, ERROR or SKIPPED."""

    kind: str
    type: str
    message: str
    text: Text
    outputs: list[tuple[str, Text]] = field(default_factory=list)


class Item(Struct):
    """One item (testcase). `start` is Unix seconds; None where the file does not say.

    `attempts` are failed ones beside `problems`: later ones where the item failed, earlier ones
    where it passed in the end. `attributes` are those that have no place of their own.
    """

    test: str
    name: str
    start: float | None
    time: float | None
    hostname: str
    outcome: str = PASSED
    problems: list[Problem] = field(default_factory=list)
    attempts: list[Problem] = field(default_factory=list)
    properties: list[tuple[str, str]] = field(default_factory=list)
    outputs: list[tuple[str, Text]] = field(default_factory=list)
    attributes: Attributes = field(default_factory=dict)


class Sink(Protocol):
    """Takes what a file says, in its order; the texts of what it is given are its own then."""

    def item(self, item: Item) -> None:
        """One item that is complete."""

    def group(self, group: Group) -> None:
        """A group that has ended, with what it says itself; after its items."""

    def run(self, properties: list[tuple[str, str]]) -> None:
        """What the file says of the run as a whole; once, at its end."""


class Readable(Protocol):
    """A file of bytes."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; none at its end."""


def read_file(source: Readable, name: str, spool: Path, sink: Sink, *, head: bool = False) -> None:
    """Give all items of an open file to `sink`. `spool` is a directory for long texts.

    `head`: look at its beginning only, whether it is JUnit XML at all.

    Raises:
        RefusedFileError: it is no JUnit XML that can be read safely; some items may have been
            given already.
    """
    _Reading(name, spool, sink).read(source, head=head)


class _Reading:
    def __init__(self, name: str, spool: Path, sink: Sink) -> None:
        self._name = name
        self._spool = spool
        self._sink = sink
        self._rule = names.NameRule()
        self._groups: list[Group] = []
        self._item: Item | None = None
        self._problem: Problem | None = None
        self._texts: list[Text] = []
        self._property: tuple[str, Text] | None = None
        self._run: list[tuple[str, str]] = []
        self._alone = False
        self._parser = self._make_parser()
        self._starts: dict[str, Callable[[Attributes], None]] = {
            "testcase": self._start_item,
            "testsuite": self._start_group,
            "property": self._start_property,
            "stackTrace": self._start_trace,
            "system-out": lambda _: self._start_output("system-out"),
            "system-err": lambda _: self._start_output("system-err"),
            "skipped": lambda told: self._start_problem(SKIPPED, told),
            "failure": lambda told: self._start_problem(FAILED, told),
            "error": lambda told: self._start_problem(ERROR, told),
            "rerunFailure": lambda told: self._start_attempt(FAILED, told),
            "flakyFailure": lambda told: self._start_attempt(FAILED, told),
            "rerunError": lambda told: self._start_attempt(ERROR, told),
            "flakyError": lambda told: self._start_attempt(ERROR, told),
        }
        self._ends: dict[str, Callable[[], None]] = {
            "testcase": self._end_item,
            "testsuite": self._end_group,
            "property": self._end_property,
            **dict.fromkeys(("stackTrace", "system-out", "system-err"), self._end_text),
            **dict.fromkeys(("skipped", "failure", "error"), self._end_problem),
            **dict.fromkeys(
                ("rerunFailure", "flakyFailure", "rerunError", "flakyError"), self._end_problem
            ),
        }

    def read(self, source: Readable, *, head: bool) -> None:
        fed = 0
        try:
            while chunk := source.read(CHUNK):
                self._parser.Parse(chunk, False)
                if head:
                    return
                fed += len(chunk)
                if fed - self._parser.CurrentByteIndex > LONGEST_TAG:
                    self._refuse(f"one tag of more than {LONGEST_TAG >> 20} MB")
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            self._refuse(expat.ErrorString(error.code), error.lineno)
        self._sink.run(self._run)

    def _make_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.StartElementHandler = self._start_root
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = lambda *_: self._refuse("it declares entities of its own")
        parser.ExternalEntityRefHandler = lambda *_: self._refuse("it takes in other files")
        parser.SkippedEntityHandler = lambda *_: self._refuse("it takes in other files")
        return parser

    def _refuse(self, why: str, line: int = 0) -> NoReturn:
        line = line or self._parser.CurrentLineNumber
        hint = "mend the file, or --keep-going leaves it out"
        raise RefusedFileError(f"{self._name}, line {line}: {why}", hint)

    def _start_root(self, tag: str, told: Attributes) -> None:
        if tag.rpartition(":")[2] not in ROOTS:
            raise OtherFormatError(
                f"{self._name}, line {self._parser.CurrentLineNumber}: no JUnit XML: it begins"
                f" with <{tag[:60]}>"
            )
        self._parser.StartElementHandler = self._start
        self._start(tag, told)

    def _start(self, tag: str, told: Attributes) -> None:
        start = self._starts.get(tag)
        if start is None and ":" in tag:
            start = self._starts.get(tag.rpartition(":")[2])
        if start is not None:
            start(told)

    def _end(self, tag: str) -> None:
        end = self._ends.get(tag)
        if end is None and ":" in tag:
            end = self._ends.get(tag.rpartition(":")[2])
        if end is not None:
            end()

    def _start_group(self, told: Attributes) -> None:
        parent = self._groups[-1] if self._groups else None
        if len(self._groups) >= DEEPEST:
            self._refuse(f"groups nested deeper than {DEEPEST}")
        group = Group(
            name=names.nested(parent.name if parent else "", told.get("name", "")),
            clock=moment(told.get("timestamp")) or (parent.clock if parent else None),
            hostname=told.get("hostname") or (parent.hostname if parent else ""),
            depth=len(self._groups),
        )
        self._groups.append(group)

    def _end_group(self) -> None:
        group = self._groups.pop()
        if self._groups and not self._groups[-1].test:
            self._groups[-1].test = group.test
        self._sink.group(group)

    def _start_item(self, told: Attributes) -> None:
        group = self._groups[-1] if self._groups else None
        test, name = self._rule.names(
            group.name if group else "", told.get("classname", ""), told.get("name", "")
        )
        time = seconds(told.get("time"))
        start = moment(told.get("timestamp"))
        hostname = told.get("hostname", "")
        if group is not None:
            start = group.clock if start is None else start
            if group.clock is not None and time is not None:
                group.clock += time
            hostname = hostname or group.hostname
            group.test = test
        self._item = item = Item(test, name, start, time, hostname)
        if told.get("status") in _NOT_RUN or told.get("result") in _NOT_RUN:
            item.outcome = SKIPPED
        if told.keys() - _KNOWN:
            item.attributes = {key: told[key] for key in told if key not in _KNOWN}

    def _end_item(self) -> None:
        if self._item is not None:
            self._sink.item(self._item)
            self._item = None

    def _start_property(self, told: Attributes) -> None:
        # A value may be text between the tags, too.
        self._property = told.get("name", ""), self._begin_text()
        if "value" in told:
            self._property[1].add(told["value"])
            self._parser.CharacterDataHandler = None

    def _end_property(self) -> None:
        if self._property is None:
            return
        name, text = self._property
        self._property = None
        value = text.whole()
        self._end_text()
        text.discard()
        if self._item is not None:
            self._item.properties.append((name, value))
        elif self._groups:
            self._groups[-1].properties.append((name, value))
        else:
            self._run.append((name, value))

    def _start_output(self, kind: str) -> None:
        text = self._begin_text()
        owner: Problem | Item | Group | None = self._problem if self._is_attempt() else self._item
        if owner is None:
            owner = self._groups[-1] if self._groups else None
        if owner is not None:
            owner.outputs.append((kind, text))

    def _is_attempt(self) -> bool:
        attempts = self._item.attempts if self._item is not None else []
        return bool(attempts) and attempts[-1] is self._problem

    def _start_trace(self, _: Attributes) -> None:
        text = self._begin_text()
        if self._problem is not None:
            self._problem.text = text

    def _start_problem(self, kind: str, told: Attributes) -> None:
        item = self._item
        if item is None:
            # A group that broke before its first item, or after its last.
            item = self._item = self._item_of_group()
            self._alone = True
        item.problems.append(self._begin_problem(kind, told))
        if _WORSE[kind] > _WORSE[item.outcome]:
            item.outcome = kind

    def _item_of_group(self) -> Item:
        group = self._groups[-1] if self._groups else None
        test = (group.test or group.name) if group is not None else ""
        clock, hostname = (group.clock, group.hostname) if group is not None else (None, "")
        return Item(test or names.UNNAMED, names.OUTSIDE, clock, None, hostname)

    def _start_attempt(self, kind: str, told: Attributes) -> None:
        problem = self._begin_problem(kind, told)
        if self._item is not None:
            self._item.attempts.append(problem)

    def _begin_problem(self, kind: str, told: Attributes) -> Problem:
        text = self._begin_text()
        self._problem = Problem(kind, told.get("type", ""), told.get("message", ""), text)
        return self._problem

    def _end_problem(self) -> None:
        self._problem = None
        self._end_text()
        if self._alone:
            self._alone = False
            self._end_item()

    def _begin_text(self) -> Text:
        text = Text(self._spool)
        self._texts.append(text)
        self._parser.CharacterDataHandler = text.add
        return text

    def _end_text(self) -> None:
        if self._texts:
            self._texts.pop()
        self._parser.CharacterDataHandler = self._texts[-1].add if self._texts else None
