"""The work on some files of the tree: each is read once and judged by all rules that look at it."""

import gzip
import json
import re
import zlib
from array import array
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from msgspec import Struct, field

from mtsite.check.page import PageReader, resolve
from mtsite.check.rules import Finding, PageIds
from mtsite.check.schema import Schemas
from mtsite.errors import DamagedLogError
from mtsite.logs.blocks import SUFFIX, open_text
from mtsite.logs.masking import Masking
from mtsite.logs.redact import Allow, Own, Redactor, make_redactor

TEXT = (".html", ".json", ".js", ".css", ".csv", ".txt", ".log", ".xml", ".svg")
_SHARD = re.compile(rb'mtShard\((".*"),("(?:[^"\\]|\\.)*")\)\s*', re.S)
_STYLE_LINK = re.compile(rb"url\(\s*[\"']?([^\"')]+)")
_IMPORT = re.compile(rb"@import\b")
_ENTITIES = ((b"&#34;", b'"'), (b"&#39;", b"'"), (b"&lt;", b"<"), (b"&gt;", b">"), (b"&amp;", b"&"))


Redact = tuple[tuple[str, ...], Own, Allow]
"""Built-in rules, own ones, and what is allowed: as `make_redactor` takes them."""


class Limits(Struct, frozen=True):
    """The largest files, in bytes; style and script as they are sent, packed."""

    page: int
    style: int
    script: int


_KEEPERS = (b'<body class="gone">', b'<body class="redirect">')
"""Pages at the addresses of what is no more: links from elsewhere lead there, ours need not."""


class Looked(Struct, frozen=True):
    """What was learnt of one file.

    `targets` are the paths it leads to, `places` (path, fragment) on other pages, `links` numbers
    of both (`link_number`). `is_here` False: this disk has no such file.
    """

    path: str
    is_here: bool = True
    targets: tuple[str, ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    links: bytes = b""
    ids: PageIds = field(default_factory=PageIds)
    findings: tuple[Finding, ...] = ()


def link_number(path: str, fragment: str = "") -> int:
    """The number that stands for a link; two may share one, so it finds candidates only."""
    text = f"{path}#" if fragment else path
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def ids_number(ids: PageIds) -> int:
    """A number that moves when the places of a page do."""
    return zlib.crc32(repr((sorted(ids.names), ids.lines)).encode("utf-8", "surrogatepass"))


class FileReader(Struct, frozen=True):
    """The work on a batch of paths; top-level and picklable, for engines."""

    site: Path
    schemas: Path
    rules: frozenset[str]
    redact: Redact
    limits: Limits
    base_url: str = ""

    def __call__(self, batch: tuple[str, ...]) -> list[Looked]:
        """What is wrong with these files, and where they lead."""
        tools = _tools(self.schemas, self.redact, self.base_url)
        return [_Look(self, tools, path).at() for path in batch]


class _Tools(Struct):
    """What a process makes once."""

    redactor: Redactor
    schemas: Schemas
    pages: PageReader


@lru_cache(maxsize=2)
def _tools(schemas: Path, redact: Redact, base_url: str) -> _Tools:
    return _Tools(make_redactor(*redact), Schemas(schemas), PageReader(base_url))


class _Look:
    """One file while it is looked at."""

    def __init__(self, reader: FileReader, tools: _Tools, path: str) -> None:
        self._reader = reader
        self._tools = tools
        self._path = path
        self._findings: list[Finding] = []

    def at(self) -> Looked:
        try:
            content = (self._reader.site / self._path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return Looked(self._path, is_here=False)
        except OSError as error:
            return Looked(
                self._path, findings=(self._finding("links", f"can't be read: {error.strerror}"),)
            )
        self._budget(content)
        if self._path.endswith(SUFFIX):
            self._packed_secrets()
        if self._path.endswith(".html"):
            return self._page(content)
        if self._path.endswith((".json", ".js")) and not self._path.startswith("_assets/"):
            content = self._document(content)
        links = _style_links(content) if self._path.endswith(".css") else ()
        self._secrets(content)
        return self._looked({resolve(self._path, link)[0] for link in links}, set(), PageIds())

    def _page(self, content: bytes) -> Looked:
        scan = self._tools.pages.read(self._path, content)
        self._findings += [one for one in scan.findings if one.rule in self._reader.rules]
        targets: set[str] = set()
        places: set[tuple[str, str]] = set()
        for link in scan.links:
            path, fragment = resolve(self._path, link)
            if path and path != self._path:
                targets.add(path)
            if fragment and path == self._path and not scan.ids.holds(fragment):
                self._note("fragments", f"#{fragment} is not on the page itself")
            elif fragment and path and path != self._path:
                places.add((path, fragment))
        if any(mark in content for mark in _KEEPERS):
            targets.add(self._path)
        self._secrets(_unescaped(content))
        return self._looked(targets, places, scan.ids)

    def _looked(self, targets: set[str], places: set[tuple[str, str]], ids: PageIds) -> Looked:
        numbers = {link_number(path) for path in targets}
        numbers |= {link_number(path, fragment) for path, fragment in places}
        return Looked(
            self._path,
            targets=tuple(targets),
            places=tuple(places),
            links=array("I", sorted(numbers)).tobytes(),
            ids=ids,
            findings=tuple(self._findings),
        )

    def _finding(self, rule: str, told: str) -> Finding:
        return Finding(rule, self._path, told)

    def _note(self, rule: str, told: str) -> None:
        if rule in self._reader.rules:
            self._findings.append(self._finding(rule, told))

    def _budget(self, content: bytes) -> None:
        limits, size, what = self._reader.limits, len(content), "bytes"
        if self._path.endswith(".html"):
            most = limits.page
        elif self._path.startswith("_assets/") and self._path.endswith((".css", ".js")):
            most = limits.style if self._path.endswith(".css") else limits.script
            size, what = len(gzip.compress(content, 6, mtime=0)), "bytes packed"
        else:
            return
        if size > most:
            self._note("budgets", f"{size:,} {what}, allowed are {most:,}")

    def _document(self, content: bytes) -> bytes:
        """Judge a JSON file or a shard; the texts in it, as whoever wrote them wrote them.

        Its own names are left out: a count of masked passwords is called "password".
        """
        try:
            if self._path.endswith(".js"):
                found = _SHARD.fullmatch(content)
                if found is None:
                    self._note("schemas", "is no shard")
                    return content
                document = json.loads(json.loads(found[2]))
                # A shard that names none is of an earlier version, kept while its area is away.
                judged = isinstance(document, dict) and "schema" in document
            else:
                document = json.loads(content)
                judged = True
            if judged and "schemas" in self._reader.rules:
                self._note_if("schemas", self._tools.schemas.judge(document))
            return "\n".join(_texts(document)).encode("utf-8", "surrogatepass")
        except (ValueError, RecursionError) as wrong:
            self._note("schemas", f"is no JSON: {wrong or 'nested too deeply'}")
            return content

    def _note_if(self, rule: str, told: str) -> None:
        if told:
            self._note(rule, told)

    def _secrets(self, content: bytes) -> None:
        if "secrets" in self._reader.rules and self._path.endswith(TEXT):
            self._note_secrets(self._tools.redactor.redact(content)[1])

    def _packed_secrets(self) -> None:
        """A large log is unpacked piece by piece; what can't be is damaged, and said elsewhere."""
        if "secrets" not in self._reader.rules:
            return
        masking = Masking(self._tools.redactor)
        try:
            with open_text(self._reader.site / self._path) as read:
                for _ in masking.blocks(read):
                    pass
        except (DamagedLogError, OSError) as wrong:
            self._note("secrets", f"can't be looked at: {wrong}")
        self._note_secrets(masking.counts)

    def _note_secrets(self, counts: Mapping[str, int]) -> None:
        for name, number in sorted(counts.items()):
            self._note("secrets", f"{name}, {number} times" if number > 1 else name)


def _texts(document: Any) -> Iterator[str]:
    """All texts of a document but the names of its members."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _style_links(content: bytes) -> list[str]:
    links = [one.decode("utf-8", "replace") for one in _STYLE_LINK.findall(content)]
    return [unquote(link) for link in links if not link.startswith(("data:", "#"))]


def _unescaped(content: bytes) -> bytes:
    """A page's text as its author wrote it: a secret in quotes must not hide behind entities."""
    if b"&" in content:
        for entity, plain in _ENTITIES:
            content = content.replace(entity, plain)
    return content
