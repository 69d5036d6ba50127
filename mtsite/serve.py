"""A preview of the tree over HTTP, as a plain bucket would show it, on loopback only.

Answers GET and HEAD: whole files, single byte ranges, conditional requests. Nothing is listed,
nothing outside the tree is reached, not through a symbolic link either, and no type is guessed.
"""

import hashlib
import os
import re
import stat
from collections.abc import Callable
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_to_bytes, urlsplit

from msgspec import Struct

from mtsite.errors import UsageError

HOST = "127.0.0.1"
_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))")
_LOCAL_NAMES = frozenset({HOST, "localhost"})
_CHUNK = 1 << 18


class Span(Struct, frozen=True):
    """Bytes `first` to `last` (both included) of a file."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1


class PreviewServer(ThreadingHTTPServer):
    """Serves one directory; `content_type` tells the type of a path of the tree.

    `elsewhere` says of a path that the tree lacks where else it is, '' if nowhere.
    """

    daemon_threads = True

    def __init__(
        self,
        tree: Path,
        port: int,
        content_type: Callable[[str], str],
        elsewhere: Callable[[str], str],
    ) -> None:
        self.tree = tree.resolve()
        self.content_type = content_type
        self.elsewhere = elsewhere
        super().__init__((HOST, port), _Answer)


def open_server(
    tree: Path,
    port: int,
    content_type: Callable[[str], str],
    elsewhere: Callable[[str], str] = lambda path: "",
) -> PreviewServer:
    """A server that is ready for `serve_forever`; port 0 takes any free one.

    Raises:
        UsageError: the port is taken or not allowed.
    """
    try:
        return PreviewServer(tree, port, content_type, elsewhere)
    except OSError as error:
        raise UsageError(
            f"port {port} can't be used: {error.strerror}",
            "name another one: mtsite serve --port 0",
        ) from error


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "mtsite"
    sys_version = ""
    timeout = 60
    # Head and body are two writes; Nagle's algorithm would hold the second one for 40 ms.
    disable_nagle_algorithm = True
    server: PreviewServer

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a preview is not a log."""

    def _answer(self) -> None:
        # Another site may point its name at this address: only local names are answered.
        if not _is_local(self.headers.get("Host", HOST)):
            self._send_text(HTTPStatus.FORBIDDEN, "this preview answers to 127.0.0.1 only")
            return
        path = _tree_path(self.path)
        file = _open_inside(self.server.tree, path) if path is not None else None
        if path is None or file is None:
            self._send_not_found(path)
            return
        with file:
            self._send_file(path, file)

    def _send_file(self, path: str, file: BinaryIO) -> None:
        found = os.fstat(file.fileno())
        tag = _tag(found)
        if self._is_known(tag, found.st_mtime):
            self._begin(HTTPStatus.NOT_MODIFIED, {"ETag": tag})
            return
        headers = {
            "Content-Type": self.server.content_type(path),
            "ETag": tag,
            "Last-Modified": formatdate(found.st_mtime, usegmt=True),
            "Accept-Ranges": "bytes",
        }
        span = self._asked_span(found.st_size, tag)
        if span is None:
            self._begin(HTTPStatus.OK, {**headers, "Content-Length": str(found.st_size)})
            self._send_span(file, Span(0, found.st_size - 1))
        elif span.first >= found.st_size:
            refused = {"Content-Range": f"bytes */{found.st_size}", "Content-Length": "0"}
            self._begin(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, refused)
        else:
            headers["Content-Range"] = f"bytes {span.first}-{span.last}/{found.st_size}"
            headers["Content-Length"] = str(span.size)
            self._begin(HTTPStatus.PARTIAL_CONTENT, headers)
            self._send_span(file, span)

    def _is_known(self, tag: str, changed: float) -> bool:
        known = self.headers.get("If-None-Match")
        if known is not None:
            return known.strip() == "*" or tag in {part.strip() for part in known.split(",")}
        try:
            since = parsedate_to_datetime(self.headers.get("If-Modified-Since", ""))
            return int(changed) <= since.timestamp()
        except (TypeError, ValueError, OverflowError):
            return False

    def _asked_span(self, size: int, tag: str) -> Span | None:
        """The one range that is asked for; None means the whole file, as for what isn't a range."""
        match = _RANGE.fullmatch(self.headers.get("Range", "").replace(" ", ""))
        if match is None or self.headers.get("If-Range", tag) != tag:
            return None
        if match[3] is not None:
            length = min(int(match[3]), size)
            return Span(size - length, size - 1) if length else Span(size, size)
        first = int(match[1])
        last = int(match[2]) if match[2] is not None else size - 1
        if last < first < size:
            return None
        return Span(first, min(last, size - 1))

    def _send_not_found(self, path: str | None) -> None:
        if path is not None and (where := self.server.elsewhere(path)):
            self._send_text(
                HTTPStatus.NOT_FOUND,
                f"published, and not kept on this disk ([site] keep_local): {where}",
            )
            return
        file = _open_inside(self.server.tree, "404.html")
        if file is None:
            self._send_text(HTTPStatus.NOT_FOUND, "there is no such page in this site")
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(size)}
            self._begin(HTTPStatus.NOT_FOUND, headers)
            self._send_span(file, Span(0, size - 1))

    def _send_text(self, status: HTTPStatus, text: str) -> None:
        content = f"{text}\n".encode()
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        self._begin(status, {**headers, "Content-Length": str(len(content))})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _begin(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()

    def _send_span(self, file: BinaryIO, span: Span) -> None:
        if self.command == "HEAD":
            return
        file.seek(span.first)
        left = span.size
        try:
            while left > 0 and (chunk := file.read(min(left, _CHUNK))):
                self.wfile.write(chunk)
                left -= len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            left = -1  # the reader went away
        if left:
            self.close_connection = True


def _tree_path(target: str) -> str | None:
    """The path of the tree that a request names; None for what can't be one."""
    try:
        path = unquote_to_bytes(urlsplit(target).path).decode("ascii")
    except (ValueError, UnicodeDecodeError):
        return None
    segments = path.removeprefix("/").split("/")
    if segments[-1] == "":
        segments[-1] = "index.html"
    if "\0" in path or "\\" in path or {"", ".", ".."} & set(segments):
        return None
    return "/".join(segments)


def _open_inside(tree: Path, path: str) -> BinaryIO | None:
    """A regular file whose real place is inside the tree."""
    try:
        real = (tree / path).resolve(strict=True)
        if tree not in real.parents:
            return None
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb")


def _tag(found: os.stat_result) -> str:
    seen = f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"
    return f'"{hashlib.sha256(seen.encode()).hexdigest()[:20]}"'


def _is_local(host: str) -> bool:
    return host.rpartition(":")[0] in _LOCAL_NAMES if ":" in host else host in _LOCAL_NAMES
