"""A proxy in front of a real server that fails as servers and networks do, on loopback.

    with Proxy(server.endpoint, plan) as proxy: ...   # plan(number, method) -> fault or ""

Faults: "500", "503" (SlowDown), "reset", "truncated" (half an answer), "late" (0.2 s), "lies" (200,
though nothing was passed on), "unheard" (the request arrives, the answer does not).
"""

import http.client
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Plan = Callable[[int, str], str]
SLOW_DOWN = (
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate</Message></Error>"
)
INTERNAL = b"<Error><Code>InternalError</Code><Message>We failed</Message></Error>"


class Proxy:
    """`endpoint` is its address; `faults` counts what it did."""

    def __init__(self, endpoint: str, plan: Plan) -> None:
        self.faults: list[str] = []
        self._numbers = 0
        self._lock = threading.Lock()
        self._plan = plan
        proxy, host = self, urlsplit(endpoint).netloc

        class Passing(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16
            disable_nagle_algorithm = True

            def log_message(self, *words: Any) -> None:
                pass

            def do_ANY(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                fault = proxy.next_fault(self.command)
                if fault in {"500", "503"}:
                    self._answer(int(fault), INTERNAL if fault == "500" else SLOW_DOWN, [])
                elif fault == "reset":
                    self._drop()
                elif fault == "lies":
                    self._answer(200, b"", [("ETag", '"00000000000000000000000000000000"')])
                else:
                    time.sleep(0.2 if fault == "late" else 0)
                    self._pass_on(body, fault)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_ANY

            def _pass_on(self, body: bytes, fault: str) -> None:
                upstream = http.client.HTTPConnection(host, timeout=30)
                headers = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in {"connection", "proxy-connection"}
                }
                upstream.request(self.command, self.path, body or None, headers)
                found = upstream.getresponse()
                content = found.read()
                upstream.close()
                if fault == "unheard":
                    self._drop()
                elif fault == "truncated":
                    self._answer(found.status, content[: len(content) // 2], [], len(content) + 1)
                    self._drop()
                else:
                    kept = [(n, v) for n, v in found.getheaders() if n.lower() in KEPT]
                    self._answer(found.status, content, kept)

            def _answer(
                self, status: int, content: bytes, headers: list[tuple[str, str]], claim: int = 0
            ) -> None:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if status != 304:
                    self.send_header("Content-Length", str(claim or len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)
                    self.wfile.flush()

            def _drop(self) -> None:
                self.close_connection = True
                linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.host = host
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def next_fault(self, method: str) -> str:
        """What happens to the next request."""
        with self._lock:
            self._numbers += 1
            fault = self._plan(self._numbers, method)
            if fault:
                self.faults.append(fault)
            return fault

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


KEPT = {"etag", "content-type", "content-encoding", "cache-control", "last-modified"}
