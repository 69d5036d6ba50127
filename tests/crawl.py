"""A crawler over a built tree: every link leads to a file, every fragment to a line or an id."""

import os
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

OUTWARD = {"http", "https", "mailto"}
LINKS = {"href", "src", "action", "srcset", "poster", "data", "formaction"}
_LINES = re.compile(r"(L\d+)-\d+")


class PageReader(HTMLParser):
    """What a page offers and asks for; `scripts` is code in the page itself, which must not be."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.scripts: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self._inside = tag if tag == "script" and named.get("src") is None else ""
        for name, value in attrs:
            if name.startswith("on"):
                self.scripts.append(f"<{tag} {name}={value!r}>")
            elif name in LINKS and value is not None and tag not in {"option"}:
                self.links.append(value)
            elif name == "id" and value:
                self.ids.add(value)
        if tag == "meta" and (named.get("http-equiv") or "").lower() == "refresh":
            self.links.append((named.get("content") or "").partition("url=")[2])

    def handle_data(self, text: str) -> None:
        if self._inside and text.strip():
            self.scripts.append(text)
            self._inside = ""


@lru_cache(maxsize=3000)
def _read(text: str) -> PageReader:
    """A page that is as it was when it was read before is not read again."""
    reader = PageReader()
    reader.feed(text)
    return reader


@dataclass
class Crawl:
    """What a crawl found: links that lead nowhere, code in pages, and the pages that were met."""

    dead: list[str] = field(default_factory=list)
    outward: set[str] = field(default_factory=set)
    scripts: list[str] = field(default_factory=list)
    met: set[str] = field(default_factory=set)


def crawl(tree: Path, start: Iterable[str] = ("index.html",)) -> Crawl:
    """Follow every link from these pages; `crawl(tree, pages(tree))` looks at all there are."""
    found = Crawl()
    waiting = deque(start)
    found.met.update(waiting)
    fragments: list[tuple[str, str, str]] = []
    ids: dict[str, set[str]] = {}
    while waiting:
        page = waiting.popleft()
        reader = _read((tree / page).read_text(encoding="utf-8"))
        ids[page] = reader.ids
        found.scripts += [f"{page}: {code}" for code in reader.scripts]
        for link in reader.links:
            there, fragment = _follow(found, tree, page, link)
            if fragment and (there or "").endswith(".html"):
                fragments.append((page, there or "", fragment))
            if there and there.endswith(".html") and there not in found.met:
                found.met.add(there)
                waiting.append(there)
    for page, there, fragment in fragments:
        match = _LINES.fullmatch(fragment)
        if (match[1] if match else fragment) not in ids.get(there, ()):
            found.dead.append(f"{page}: no id #{fragment} in {there}")
    return found


def pages(tree: Path) -> list[str]:
    """Every HTML page of a tree."""
    return sorted(
        Path(directory, name).relative_to(tree).as_posix()
        for directory, _, names in os.walk(tree)
        for name in names
        if name.endswith(".html")
    )


def _follow(found: Crawl, tree: Path, page: str, link: str) -> tuple[str | None, str]:
    """The file that a link leads to, '' being none of this site, and its fragment."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or link.startswith("/"):
        if parts.scheme in OUTWARD:
            found.outward.add(link)
        else:
            found.dead.append(f"{page}: {link!r} leaves the site")
        return None, ""
    if not parts.path:
        return page, unquote(parts.fragment)
    there = os.path.normpath(os.path.join(os.path.dirname(page), unquote(parts.path)))  # noqa: PTH118, PTH120 # a URL's path
    if there.startswith("..") or not (tree / there).is_file():
        found.dead.append(f"{page}: {link!r} leads to no file")
        return None, ""
    return there, unquote(parts.fragment)
