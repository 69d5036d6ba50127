"""One HTML page: what it leads to, its places, and where it breaks the policy or lacks landmarks.

Tags are found by one expression over the bytes, and what equal tags say is remembered, for most
tags of a site are on each of its pages; others of the usual forms are read by one look: 50,000
pages are read in seconds.
"""

import html
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from msgspec import Struct, field

from mtsite.amounts import plural
from mtsite.check.rules import Finding, PageIds

_TAG = re.compile(rb"<(?:!--.*?-->|[a-zA-Z][^\s/>]*+(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+>)", re.S)
_PARTS = re.compile(rb"<([a-zA-Z][^\s/>]*+)(.*)>", re.S)
_ATTRIBUTE = re.compile(
    rb"([^\s\"'>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'=<>`]++)))?", re.S
)
# It begins with letters, those are found fastest; and with its tag, for texts may say the rest.
_LINE = re.compile(rb"id=(?<=<div id=)\"?L([0-9]{1,9})(?![^\s\">])")
_SAYS = rb"(?: (?:aria-label|class|data-key|title)=\"[^\"]*\")*"
# Tags of which one look tells that there is nothing more in them: a link to a line of the same log
# and a line's own (no other page has them), any other link, and what neither leads nor loads.
_USUAL = re.compile(
    rb"<a href=\"?#L([0-9]{1,9})\"?>|<div (id)=\"?L[0-9]{1,9}\"?(?: class=\"[^\"]*\")?>"
    rb"|<a" + _SAYS + rb" href=\"([\w./#-]*)\"" + _SAYS + rb">"
    rb"|<(?:button|div|li|meta|ol|path|rect|span|svg|td|th|time|tr|ul)"
    rb"(?: (?:aria-label|class|content|data-(?:f|h|mt|row|text)|d|datetime|height|name"
    rb"|preserveAspectRatio|property|role|title|type|viewBox|width|x|y)(?:=\"[^\"]*\")?)*/?>"
)
_INLINE = re.compile(rb"<script(?![^>]*\ssrc\s*=)[^>]*>\s*([^<\s][^<]{0,60})", re.I)
_USUAL_WAY = re.compile(r"((?:\.\./)*)((?:[\w-][\w.-]*/)*[\w-][\w.-]*)(?:#([^%]*))?")
_REFRESH = re.compile(r"(?:^|;)\s*url\s*=\s*(.*)", re.I | re.S)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_LINKS = frozenset(
    "href src action formaction poster data data-strips data-cells data-raw data-shard".split()
)
_LOADED = frozenset("script img iframe frame embed object source audio video track".split())
_OUTWARD = ("http:", "https:", "mailto:")
_UNSAFE = ("'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "http:", "https:", "data:", "*")
_MOST_REMEMBERED = 50_000
OWN = "mtsite-own:"
"""Stands in front of a path from the site's root, in place of its own address."""


class Tag(NamedTuple):
    """What a tag says that matters: where it leads, its id, what it breaks."""

    links: tuple[str, ...] = ()
    id: str = ""
    breaks: tuple[str, ...] = ()
    kept_as: str = ""
    says: str = ""


_SILENT = Tag()


class PageScan(Struct):
    """What is on a page; `links` are as they stand there."""

    links: set[str] = field(default_factory=set)
    ids: PageIds = field(default_factory=PageIds)
    findings: list[Finding] = field(default_factory=list)


class PageReader:
    """Reads pages; what equal tags say is remembered from one page to the next."""

    def __init__(self, base_url: str = "") -> None:
        """`base_url`: the site's own address; what begins with it is no other host."""
        self._base = f"{base_url.rstrip('/')}/" if base_url else ""
        self._known: dict[bytes, Tag] = {}
        self._links: dict[bytes, str] = {}
        self._silent: set[bytes] = set()

    def read(self, path: str, content: bytes) -> PageScan:
        """What is on this page."""
        scan = PageScan()
        tags = _TAG.findall(content)
        self._forget_some()
        twice: list[str] = []
        names: set[str] = set()
        kept: dict[str, Tag] = {}
        own_lines: list[bytes] = []
        for key in set(tags) - self._silent:
            if (link := self._links.get(key)) is not None:
                scan.links.add(link)
                continue
            tag = self._known.get(key)
            if tag is None:
                if usual := _USUAL.fullmatch(key):
                    self._note_usual(key, usual, scan, own_lines)
                    continue
                tag = self._tag(key)
            scan.links.update(tag.links)
            if tag.id:
                twice += [tag.id] if tag.id in names or tags.count(key) > 1 else []
                names.add(tag.id)
            scan.findings += [Finding("csp", path, told) for told in tag.breaks]
            if tag.kept_as:
                kept.setdefault(tag.kept_as, tag)
        numbers = [int(number) for number in _LINE.findall(content)]
        scan.ids = _ids(names, numbers)
        missing = sorted(int(n) for n in own_lines if not scan.ids.holds(f"L{int(n)}"))
        scan.links.update(f"#L{number}" for number in missing)
        scan.findings += [Finding("csp", path, told) for told in _policy(content, kept)]
        lacks = _landmarks(content, kept)
        scan.findings += [Finding("landmarks", path, told) for told in lacks]
        if twice or len(set(numbers)) < len(numbers):
            told = ", ".join(sorted(set(twice))[:3]) or "a line"
            scan.findings.append(Finding("landmarks", path, f"an id stands twice: {told}"))
        return scan

    def _note_usual(
        self, key: bytes, usual: re.Match[bytes], scan: PageScan, own_lines: list[bytes]
    ) -> None:
        line, is_line, link = usual.groups()
        if line:
            own_lines.append(line)
        elif link is not None:
            self._links[key] = told = link.decode("ascii")
            scan.links.add(told)
        elif not is_line:
            self._silent.add(key)

    def _tag(self, key: bytes) -> Tag:
        parts = _PARTS.fullmatch(key)
        tag = _SILENT  # a comment
        if parts:
            tag = _read_tag(parts[1].decode("ascii", "replace").lower(), parts[2], self._base)
        if tag == _SILENT:
            self._silent.add(key)
        else:
            self._known[key] = tag
        return tag

    def _forget_some(self) -> None:
        for known in (self._known, self._links, self._silent):
            if len(known) > _MOST_REMEMBERED:
                known.clear()


def _ids(names: set[str], numbers: list[int]) -> PageIds:
    if numbers and numbers[-1] - numbers[0] + 1 == len(numbers):
        return PageIds(frozenset(names), (numbers[0], numbers[-1]), is_span=True)
    return PageIds(frozenset(names), tuple(numbers))


def _read_tag(name: str, attributes: bytes, base: str) -> Tag:
    said: dict[str, str] = {}
    for key, *values in _ATTRIBUTE.findall(attributes):
        text = next((value for value in values if value), b"").decode("utf-8", "replace")
        said.setdefault(
            key.decode("utf-8", "replace").lower(), html.unescape(text) if "&" in text else text
        )
    links = [said[key].strip() for key in said if key in _LINKS]
    if "srcset" in said:
        links += [one.split()[0] for one in said["srcset"].split(",") if one.split()]
    if name == "meta" and said.get("http-equiv", "").lower() == "refresh":
        found = _REFRESH.search(said.get("content", ""))
        links += [found[1].strip().strip("'\"")] if found else []
    if base:
        links = [OWN + one.removeprefix(base) if one.startswith(base) else one for one in links]
    loads = name in _LOADED or (name == "link" and "canonical" not in said.get("rel", ""))
    breaks = [f"{key}= on <{name}>" for key in said if key.startswith("on") or key == "style"]
    breaks += [f"<{name}> in the page itself"] if name in ("style", "base") else []
    breaks += [f"a link that is code: {one[:60]}" for one in links if _is_code(one)]
    if loads:
        breaks += [f"<{name}> from another host: {one[:80]}" for one in links if _is_far(one)]
    kept_as, says = _kept(name, said)
    return Tag(
        tuple(one for one in links if not _is_code(one)),
        said.get("id", ""),
        tuple(breaks),
        kept_as,
        says,
    )


def _kept(name: str, said: dict[str, str]) -> tuple[str, str]:
    """What a page must say about itself: under which name it is looked for, and what it says."""
    if name == "html":
        return "lang", said.get("lang", "")
    if name == "meta" and said.get("http-equiv", "").lower() == "content-security-policy":
        return "policy", said.get("content", "")
    return "", ""


def _is_code(link: str) -> bool:
    scheme = "".join(link.split()).lower()
    return scheme.startswith(("javascript:", "vbscript:", "data:"))


def _is_far(link: str) -> bool:
    return link.startswith("//") or (bool(_SCHEME.match(link)) and not link.startswith(OWN))


def _policy(content: bytes, kept: dict[str, Tag]) -> list[str]:
    inline = (found.decode("utf-8", "replace").strip() for found in _INLINE.findall(content))
    told = [f"script in the page itself: {one}" for one in inline]
    if "policy" not in kept:
        return [*told, "the page has no policy"]
    policy = kept["policy"].says
    parts = {one.split()[0]: one.split()[1:] for one in policy.split(";") if one.split()}
    if parts.get("default-src") != ["'none'"]:
        told.append("the policy does not begin with default-src 'none'")
    allowed = {source for sources in parts.values() for source in sources}
    weak = [one for one in _UNSAFE if one in allowed]
    return told + [f"the policy allows {one}" for one in weak]


def _landmarks(content: bytes, kept: dict[str, Tag]) -> list[str]:
    told = []
    heads = content.count(b"<h1")
    if not kept.get("lang", _SILENT).says:
        told.append("<html> names no language")
    begin = content.find(b"<title>")
    if begin < 0 or not content[begin + 7 : content.find(b"</title>", begin)].strip():
        told.append("no title")
    if heads != 1:
        told.append(f"{plural(heads, 'heading')} of the first level" if heads else "no heading")
    if b"<main" not in content:
        told.append("no main part")
    return told


def resolve(page: str, link: str) -> tuple[str, str]:
    """(path below the site, fragment) of a link of a page.

    The path is '' where the link leads out of the site on purpose, and begins with '/' or '..'
    where it leaves it by mistake.
    """
    if usual := _USUAL_WAY.fullmatch(link):
        up, rest, place = usual.groups("")
        above = _parents(page)
        if len(up) < 3 * len(above):
            return above[len(up) // 3] + rest, place
    return _resolved(page, link)


@lru_cache(maxsize=2)
def _parents(page: str) -> tuple[str, ...]:
    """The directory of a page and all above it, each with a slash at its end; the site's is ''."""
    parts = page.split("/")[:-1]
    return (*("".join(f"{one}/" for one in parts[:end]) for end in range(len(parts), 0, -1)), "")


def _resolved(page: str, link: str) -> tuple[str, str]:
    if link.startswith(OWN):
        page, link = "", link.removeprefix(OWN)
    path, _, fragment = link.partition("#")
    fragment = unquote(fragment) if "%" in fragment else fragment
    if not path:
        return page, fragment
    if _is_far(path):
        return ("", "") if path.lower().startswith(_OUTWARD) else (f"/{path}", "")
    path = path.partition("?")[0]
    if not path:
        return page, fragment
    if path.startswith("/"):
        return path, fragment
    if "%" in path:
        path = unquote(path)
    here = page.split("/")[:-1]
    for part in path.split("/"):
        if part == "..":
            if not here:
                return "../", fragment
            here.pop()
        elif part != ".":
            here.append(part)
    return "/".join(here), fragment
