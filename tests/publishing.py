"""A tree in a directory, published to any destination: what the publish tests share."""

import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, normpath
from typing import BinaryIO
from urllib.parse import unquote

from mtsite.config import PublishConfig
from mtsite.publish.destination import Destination, Found, Source, Stored, Tag, open_destination
from mtsite.publish.headers import Headers
from mtsite.publish.ledger import Ledger
from mtsite.publish.publisher import Publisher, Terms
from mtsite.publish.send import Sender
from mtsite.publish.summary import PublishSummary

NOW = 1_795_140_840
DAY = 86_400


def page(*links: str, text: str = "") -> bytes:
    """A page with links."""
    return ("<!doctype html>" + "".join(f"<a href='{x}'>x</a>" for x in links) + text).encode()


def small_site(runs: int = 2) -> dict[str, bytes]:
    """Path → content of a site of one area whose pages all lead to each other."""
    site = {"_assets/v1/site.css": b"body{}", "robots.txt": b"x", "404.html": page("index.html")}
    for number in range(runs):
        add_run(site, number)
    return site


def add_run(site: dict[str, bytes], number: int) -> None:
    """One more run: its pages are new, the pages above it change."""
    log = f"log of run {number}\n".encode() * 40
    blob = hashlib.sha256(log).hexdigest()
    blob_path = f"_blobs/{blob[:2]}/{blob}.txt"
    run, test = f"a/t/w{number:02}", f"a/t/w{number:02}/compile"
    site[blob_path] = log
    site[f"{test}/_log/log.html"] = page(f"../../../../../{blob_path}", "../index.html")
    site[f"{test}/index.html"] = page("_log/log.html", "../index.html")
    earlier = [f"../w{number - 1:02}/index.html"] if number else []
    site[f"{run}/index.html"] = page("compile/index.html", "../index.html", *earlier)
    site["a/t/index.html"] = page(*(f"w{n:02}/index.html" for n in range(number + 1)))
    site["a/index.html"] = page("t/index.html", "../index.html", text=f"{number}")
    site["index.html"] = page("a/index.html", "_assets/v1/site.css", text=f"{number}")


class Publishing:
    """One publisher: its own tree and ledger, and a destination that others may share."""

    def __init__(self, root: Path, url: str, settings: PublishConfig | None = None) -> None:
        self.tree_dir = root / "site"
        self.state_dir = root / ".mtsite"
        self.url = url
        self.settings = settings or PublishConfig()
        self.tree: dict[str, bytes] = {}
        self.walks = 0
        self._trees: dict[str, dict[str, bytes]] = {}
        self.wrap: Callable[[Destination], Destination] = lambda destination: destination

    @cached_property
    def destination(self) -> Destination:
        """Opened once: making a client takes longer than the requests of a small site."""
        return open_destination(self.url, self.settings)

    def close(self) -> None:
        """Let go of the connections."""
        self.destination.close()

    def build(self, site: Mapping[str, bytes]) -> None:
        """Make the tree hold exactly these files."""
        for path in self.tree.keys() - site.keys():
            (self.tree_dir / path).unlink()
        for path, content in site.items():
            if self.tree.get(path) != content:
                file = self.tree_dir / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        self.tree = dict(site)

    def revision(self) -> str:
        """A name of the tree, as the manifest has one."""
        name = hashlib.sha256(repr(sorted(self.tree.items())).encode()).hexdigest()
        self._trees[name] = dict(self.tree)
        return name

    def changed_since(self, revision: str) -> list[str] | None:
        """Paths that differ from the tree of that name, as the manifest tells them."""
        before = self._trees.get(revision)
        if before is None:
            return None
        paths = before.keys() | self.tree.keys()
        return sorted(path for path in paths if before.get(path) != self.tree.get(path))

    def files(self, paths: Iterable[str]) -> Iterator[tuple[str, str, int]]:
        """The tree's files at these paths."""
        for path in paths:
            if path in self.tree:
                content = self.tree[path]
                yield path, hashlib.sha256(content).hexdigest(), len(content)

    def areas(self) -> list[str]:
        """Directories at the top of the tree."""
        tops = {path.partition("/")[0] for path in self.tree if "/" in path}
        return sorted(top for top in tops if not top.startswith("_"))

    def listed(self) -> Iterator[tuple[str, str, int]]:
        """The tree as the manifest tells it."""
        self.walks += 1
        for path in sorted(self.tree, key=str.encode):
            content = self.tree[path]
            yield path, hashlib.sha256(content).hexdigest(), len(content)

    @property
    def ledger_file(self) -> Path:
        return self.state_dir / "ledger.db"

    def publish(
        self,
        *,
        now: int = NOW,
        grace: int = 7 * DAY,
        dropped_areas: Sequence[str] = (),
        dry_run: bool = False,
        max_deletes: int = 10_000,
        audit: bool = False,
    ) -> PublishSummary:
        """Publish the tree as the verb does, or predict it."""
        terms = Terms(now, grace, tuple(dropped_areas), max_deletes, audit)
        self.destination.requests.clear()
        self.destination.sent.clear()
        destination = self.wrap(self.destination)
        with Ledger.open(self.ledger_file, keep=not dry_run) as ledger:
            sender = Sender(self.tree_dir, destination, ledger, self.settings.threads)
            publisher = Publisher(_Built(self), sender, destination, ledger)
            if dry_run:
                summary = publisher.predict(terms, lambda *_: None)
            else:
                summary = publisher.publish(terms, lambda *_: None)
        summary.requests = Counter(summary.requests)
        return summary

    def stored(self) -> dict[str, bytes]:
        """Path → plain content of everything at the destination, without the manifest."""
        found = {}
        for each in self.destination.list():
            if not each.path.startswith("_manifest/"):
                there = self.destination.get(each.path)
                assert there is not None
                found[each.path] = plain(there.content)
        return found


class _Built:
    """The tree of a publisher, asked as the manifest is."""

    def __init__(self, publishing: Publishing) -> None:
        self.tree = publishing.listed
        self.revision = publishing.revision
        self.changed_since = publishing.changed_since
        self.files = publishing.files
        self.areas = publishing.areas


class Watched:
    """Wraps a real destination: notes every request, and may do something before one."""

    def __init__(
        self, wrapped: Destination, before: Callable[[str, str], None] = lambda kind, path: None
    ) -> None:
        self.wrapped = wrapped
        self.before = before
        self.seen: list[tuple[str, str]] = []
        self.name = wrapped.name
        self.keeps_headers = wrapped.keeps_headers
        self.deletes_at_once = wrapped.deletes_at_once
        self.keeps_conditions = wrapped.keeps_conditions
        self.epoch = wrapped.epoch
        self.requests: Counter[str] = wrapped.requests
        self.sent: Counter[str] = wrapped.sent

    def puts(self) -> list[str]:
        return [path for kind, path in self.seen if kind == "PUT"]

    def get(self, path: str, *, unless: Tag = "") -> Found | None:
        self.before("GET", path)
        self.seen.append(("GET", path))
        return self.wrapped.get(path, unless=unless)

    def fetch(self, path: str, into: BinaryIO) -> bool:
        self.before("GET", path)
        self.seen.append(("GET", path))
        return self.wrapped.fetch(path, into)

    def put(
        self, path: str, source: Source, headers: Headers, *, only_if: Tag | None = None
    ) -> Tag:
        self.before("PUT", path)
        tag = self.wrapped.put(path, source, headers, only_if=only_if)
        self.seen.append(("PUT", path))
        return tag

    def tag_of(self, source: Source) -> Tag:
        return self.wrapped.tag_of(source)

    def requests_of_put(self, size: int) -> Mapping[str, int]:
        return self.wrapped.requests_of_put(size)

    def rest_of_put(self, path: str, source: Source) -> tuple[Mapping[str, int], int]:
        return self.wrapped.rest_of_put(path, source)

    def address_of(self, path: str) -> str:
        return self.wrapped.address_of(path)

    def flush(self) -> None:
        self.seen.append(("FLUSH", ""))
        self.wrapped.flush()

    def delete(self, paths: Sequence[str]) -> None:
        self.before("DELETE", paths[0])
        self.seen.extend(("DELETE", path) for path in paths)
        self.wrapped.delete(paths)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        self.before("LIST", prefix)
        return self.wrapped.list(prefix)

    def close(self) -> None:
        self.wrapped.close()


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.found += [value or "" for name, value in attrs if name in {"href", "src"}]


def dead_links(stored: Mapping[str, bytes], entrances: Sequence[str] = ("index.html",)) -> set[str]:
    """What a reader who starts at the entrances would not find; {} if the site is not there yet."""
    todo = [path for path in entrances if path in stored]
    seen, dead = set(todo), set()
    while todo:
        path = todo.pop()
        if not path.endswith(".html"):
            continue
        links = _Links()
        links.feed(stored[path].decode())
        for link in links.found:
            bare = unquote(re.sub("[?#].*", "", link))
            if not bare or re.match("[a-z]+:", bare):
                continue  # a place on this page, or another site
            there = normpath(f"{dirname(path)}/{bare}").lstrip("/")
            if there not in stored:
                dead.add(f"{path} -> {there}")
            elif there not in seen:
                seen.add(there)
                todo.append(there)
    return dead


def plain(content: bytes) -> bytes:
    """Unpacked, if it is a gzip member."""
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
