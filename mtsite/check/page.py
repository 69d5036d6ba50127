"""One HTML page: what it leads to, its places, and where it breaks the policy or lacks landmarks.

Tags are found by one expression over the bytes, and what equal attributes say is remembered, for
most tags of a site are on each of its pages: 50,000 pages are read in seconds.
"""

import html
import re
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

from mtsite.check.rules import Finding, PageIds

_TAG = re.compile(
    rb"<(?:!--.*?-->|([a-zA-Z][^\s/>]*+)((?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+)>)", re.S
)
_ATTRIBUTE = re.compile(
    rb"([^\s\"'>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'=<>`]++)))?", re.S
)
_LINE = re.compile(rb"\sid=\"?L([0-9]{1,9})\"?")
_OWN_LINE = re.compile(rb"\shref=\"?#L([0-9]{1,9})\"?")
_INLINE = re.compile(rb"<script(?![^>]*\ssrc\s*=)[^>]*>\s*([^<\s][^<]{0,60})", re.I)
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


@dataclass(slots=True)
class PageScan:
    """What is on a page; `links` are as they stand there."""

    links: set[str] = field(default_factory=set)
    ids: PageIds = field(default_factory=PageIds)
    findings: list[Finding] = field(default_factory=list)


class PageReader:
    """Reads pages; what equal tags say is remembered from one page to the next."""

    def __init__(self, base_url: str = "") -> None:
        """`base_url`: the site's own address; what begins with it is no other host."""
        self._base = f"{base_url.rstrip('/')}/" if base_url else ""
        self._known: dict[tuple[bytes, bytes], Tag] = {}

    def read(self, path: str, content: bytes) -> PageScan:
        """What is on this page."""
        scan = PageScan()
        tags = _TAG.findall(content)
        twice: list[str] = []
        names: set[str] = set()
        kept: dict[str, Tag] = {}
        own_lines: list[bytes] = []
        for key in set(tags):
            tag = self._known.get(key)
            if tag is None:
                # Lines of logs have two tags each that no other page has.
                if found := _OWN_LINE.fullmatch(key[1]):
                    own_lines.append(found[1])
                    continue
                if _LINE.match(key[1]):
                    continue
                tag = self._tag(key)
            if tag is _SILENT:
                continue
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
        for inline in _INLINE.findall(content):
            told = inline.decode("utf-8", "replace").strip()
            scan.findings.append(Finding("csp", path, f"script in the page itself: {told}"))
        scan.findings += [Finding("csp", path, told) for told in _policy(kept)]
        lacks = _landmarks(content, kept)
        scan.findings += [Finding("landmarks", path, told) for told in lacks]
        if twice or len(set(numbers)) < len(numbers):
            told = ", ".join(sorted(set(twice))[:3]) or "a line"
            scan.findings.append(Finding("landmarks", path, f"an id stands twice: {told}"))
        return scan

    def _tag(self, key: tuple[bytes, bytes]) -> Tag:
        if len(self._known) > _MOST_REMEMBERED:
            self._known.clear()
        read = _read_tag(key[0].decode("ascii", "replace").lower(), key[1], self._base)
        tag = self._known[key] = _SILENT if read == _SILENT else read
        return tag


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


def _policy(kept: dict[str, Tag]) -> list[str]:
    if "policy" not in kept:
        return ["the page has no policy"]
    policy = kept["policy"].says
    parts = {one.split()[0]: one.split()[1:] for one in policy.split(";") if one.split()}
    told = []
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
        told.append(f"{heads} headings of the first level" if heads else "no heading")
    if b"<main" not in content:
        told.append("no main part")
    return told


def resolve(page: str, link: str) -> tuple[str, str]:
    """(path below the site, fragment) of a link of a page.

    The path is '' where the link leads out of the site on purpose, and begins with '/' or '..'
    where it leaves it by mistake.
    """
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
