"""Signed requests to one S3 server over kept connections, repeated where that can help."""

import hashlib
import http.client
import os
import random
import re
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, BinaryIO
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from msgspec import Struct

from mtsite.publish.destination import Source, copy_into, size_of
from mtsite.publish.sigv4 import EMPTY, Keys, Signer

ATTEMPTS = 5
CONNECT_SECONDS, ANSWER_SECONDS = 10, 60
_LONGEST_PAUSE = 20
_BLOCK = 1 << 20
_AGAIN = frozenset({429, 500, 502, 503, 504})
_AGAIN_CODES = frozenset({"RequestTimeout", "SlowDown", "InternalError", "IncompleteBody"})
_BROKEN = (OSError, http.client.HTTPException)
_CODE = re.compile(rb"<Code>([^<]{0,200})</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]{0,500})</Message>")


class Answer(Struct, frozen=True):
    """What the server said; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class RefusedError(Exception):
    """A refusal; `response` has botocore's shape, so both are told in the same words."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.code = _found(_CODE, answer.content) or str(answer.status)
        text = _found(_MESSAGE, answer.content) or _phrase(answer.status)
        self.response: dict[str, Any] = {
            "Error": {"Code": self.code, "Message": text},
            "ResponseMetadata": {"HTTPStatusCode": answer.status},
        }
        super().__init__(f"{self.code}: {text}")


class _Request(Struct, frozen=True):
    """`payload` is the digest of the body; `into` a file for the content of a success."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Source
    payload: str
    into: BinaryIO | None


@dataclass
class Wire:
    """Requests to `server`; may be used by several threads, each with its own connection.

    `keys` gives what to sign with; `count` is told path and body size of each request by method.
    """

    server: SplitResult
    region: str
    keys: Callable[[], Keys]
    count: Callable[[str, str, int], None]
    pause: Callable[[float], None] = time.sleep
    _signer: Signer = field(init=False)
    _proxy: SplitResult | None = field(init=False)
    _local: threading.local = field(default_factory=threading.local)
    _open: list[http.client.HTTPConnection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._signer = Signer(self.region)
        self._proxy = _proxy(self.server)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Source = b"",
        into: BinaryIO | None = None,
    ) -> Answer:
        """Send one request, again if the server or the way to it failed.

        `path` is quoted, and may have a query, its parameters in order. `into` is a file that gets
        the content of a success, which the answer lacks then.

        A success (2xx) and Not Modified come back, anything else raises.

        Raises:
            RefusedError: the server's last word.
            OSError, HTTPException: no answer, or one that broke off.
        """
        request = _Request(method, path, headers, body, _digest(body), into)
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            try:
                answer = self._once(request)
            except _BROKEN:
                if last:
                    raise
            else:
                if answer.status < HTTPStatus.MULTIPLE_CHOICES or answer.status == 304:
                    return answer
                refused = RefusedError(answer)
                if last or not (answer.status in _AGAIN or refused.code in _AGAIN_CODES):
                    raise refused
            self.pause(random.random() * min(2**attempt, _LONGEST_PAUSE))
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._open:
            connection.close()

    def _once(self, request: _Request) -> Answer:
        """One request. A kept connection that the server has closed meanwhile is no failure."""
        connection, kept = self._connection()
        try:
            return self._exchange(connection, request)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if not kept:
                raise
            return self._exchange(connection, request)

    def _exchange(self, connection: http.client.HTTPConnection, request: _Request) -> Answer:
        method, path, body = request.method, request.path, request.body
        if not isinstance(body, bytes):
            body.seek(0)
        named = {**request.headers, "host": self.server.netloc}
        signed = self._signer.sign(
            method, path, named, request.payload, self.keys(), datetime.now(UTC)
        )
        size = size_of(body)
        if method in {"PUT", "POST"}:
            signed["content-length"] = str(size)
        self.count(method, path, size)
        target = path
        if self._proxy and self.server.scheme == "http":
            target = f"http://{self.server.netloc}{path}"
            signed |= _proxy_login(self._proxy)
        try:
            return _answer(connection, request, _head(method, target, signed))
        except BaseException:
            # What is still to come on it would be taken for the answer to the next request.
            connection.close()
            raise

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        """This thread's connection, and whether it was used before."""
        kept: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if kept is not None:
            return kept, kept.sock is not None
        made = _connection_to(self.server, self._proxy)
        self._local.connection = made
        self._open.append(made)
        return made, False


def _opened(connection: http.client.HTTPConnection) -> socket.socket:
    if connection.sock is None:
        connection.connect()
    sock: socket.socket = connection.sock
    sock.settimeout(ANSWER_SECONDS)
    return sock


def _answer(connection: http.client.HTTPConnection, request: _Request, head: bytes) -> Answer:
    sock = _opened(connection)
    # http.client's own request would take two sends, and a third of the time of a small page.
    _send(sock, head, request.body)
    with http.client.HTTPResponse(sock, method=request.method) as response:
        response.begin()
        content = _content(response, request.into)
    if response.will_close:
        connection.close()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, found, content)


def _content(response: http.client.HTTPResponse, into: BinaryIO | None) -> bytes:
    if into is None or response.status != HTTPStatus.OK:
        return response.read()
    copy_into(response.read, into)  # what an attempt left that broke off is gone then
    if response.length:
        # Read in pieces, http.client takes an early end for the end.
        raise http.client.IncompleteRead(b"", response.length)
    return b""


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "accept-encoding: identity"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header would be more than one line")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _send(sock: socket.socket, head: bytes, body: Source) -> None:
    if isinstance(body, bytes):
        sock.sendall(head + body)
        return
    sock.sendall(head)
    while block := body.read(_BLOCK):
        sock.sendall(block)


def _connection_to(server: SplitResult, proxy: SplitResult | None) -> http.client.HTTPConnection:
    near = proxy or server
    host = near.hostname or ""
    if server.scheme != "https":
        return http.client.HTTPConnection(host, near.port, timeout=CONNECT_SECONDS)
    trusted = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None)
    port = near.port or (80 if proxy else None)
    secure = http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=trusted)
    if proxy:
        secure.set_tunnel(server.hostname or "", server.port or 443, _proxy_login(proxy))
    return secure


def _proxy_login(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(login.encode()).decode()}"}


def _proxy(server: SplitResult) -> SplitResult | None:
    """The proxy that the environment names for this server (HTTP_PROXY, HTTPS_PROXY, NO_PROXY)."""
    named = getproxies().get(server.scheme, "")
    if not named or proxy_bypass(server.hostname or ""):
        return None
    return urlsplit(named if "://" in named else f"http://{named}")


def _digest(body: Source) -> str:
    if isinstance(body, bytes):
        return hashlib.sha256(body).hexdigest() if body else EMPTY
    body.seek(0)
    whole = hashlib.sha256()
    while block := body.read(_BLOCK):
        whole.update(block)
    return whole.hexdigest()


def _found(pattern: re.Pattern[bytes], content: bytes) -> str:
    found = pattern.search(content)
    return found.group(1).decode("utf-8", "replace") if found else ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"
