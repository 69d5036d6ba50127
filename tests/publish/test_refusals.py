"""Each way in which a server, or what stands before it, refuses: one message, and what to do."""

import http.client
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import s3server
from publishing import Publishing, small_site

from mtsite import cli
from mtsite.config import PublishConfig
from mtsite.errors import DestinationError
from mtsite.invocation import Invocation
from mtsite.manifest import Manifest
from mtsite.publish import wire

LOGIN = "Basic bWU6YUBi"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch, s3: s3server.Server) -> None:
    monkeypatch.setattr(wire, "_LONGEST_PAUSE", 0.01)
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)


@contextmanager
def answering(
    do: Callable[[BaseHTTPRequestHandler, bytes], None], context: ssl.SSLContext | None = None
) -> Iterator[int]:
    """A server on loopback that does this with each request and its body; its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words: Any) -> None:
            pass

        def do_ANY(self) -> None:
            do(self, self.rfile.read(int(self.headers.get("content-length") or 0)))

        do_GET = do_PUT = do_POST = do_CONNECT = do_ANY

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def reply(handler: BaseHTTPRequestHandler, status: int, content: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def refused(tmp_path: Path, endpoint: str, bucket: str = "b") -> DestinationError:
    """What a publish there ends with."""
    settings = PublishConfig(endpoint_url=endpoint)
    one = Publishing(tmp_path / "one", f"s3://{bucket}/x", settings)
    one.build(small_site(1))
    with pytest.raises(DestinationError) as refused:
        try:
            one.publish()
        finally:
            one.close()
    assert refused.value.exit_code == 12
    assert refused.value.hint
    assert "\n" not in refused.value.message
    return refused.value


AMAZONS_WORDS = [
    (301, "PermanentRedirect", "in another region", "region"),
    (400, "AuthorizationHeaderMalformed", "signed for another region", "region"),
    (400, "IllegalLocationConstraintException", "in another region", "region"),
    (400, "ExpiredToken", "token has expired", "log in again"),
    (400, "InvalidToken", "token is not valid", "log in again"),
    (403, "RequestTimeTooSkewed", "clock differs", "set the clock"),
    (403, "AccessDenied", "access denied", "s3:PutObject"),
    (404, "NoSuchBucket", "there is no bucket 'b'", "make it"),
    (507, "XMinioStorageFull", "no space left", "free some space"),
    (403, "QuotaExceeded", "quota of the bucket", "raise it"),
    (501, "NotImplemented", "conditional PUT", "If-Match"),
    (503, "SlowDown", "fewer requests", "threads"),
]


@pytest.mark.parametrize(("status", "code", "told", "hint"), AMAZONS_WORDS)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_each_refusal_is_one_message_with_what_to_do(
    method: str, status: int, code: str, told: str, hint: str, tmp_path: Path
) -> None:
    content = f"<Error><Code>{code}</Code><Message>As Amazon says it</Message></Error>".encode()
    absent = b"<Error><Code>NoSuchKey</Code></Error>"
    nothing = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"

    def refuse(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        if handler.command == method:
            reply(handler, status, content)
        elif "list-type" in handler.path:
            reply(handler, 200, nothing)
        else:
            reply(handler, 404, absent)

    with answering(refuse) as port:
        error = refused(tmp_path, f"http://127.0.0.1:{port}")
    assert told in error.message
    assert hint in error.hint


def test_the_command_says_it_and_exits_12(
    s3: s3server.Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Manifest.open(tmp_path / ".mtsite"):
        pass
    (tmp_path / "mtsite.toml").write_text(
        f'[publish]\ndestination = "s3://never-made"\nendpoint_url = "{s3.endpoint}"\n'
    )
    assert cli.run(["--config", str(tmp_path / "mtsite.toml"), "publish"], Invocation()) == 12
    said = capsys.readouterr().err
    assert "there is no bucket 'never-made'" in said
    assert "make it" in said
    assert "Traceback" not in said


def test_who_may_only_read_is_told_which_right_is_missing(
    s3: s3server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.reader_environment.items():
        monkeypatch.setenv(name, value)
    error = refused(tmp_path, s3.endpoint, s3.make_bucket())
    assert "access denied" in error.message
    assert "s3:PutObject" in error.hint


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_hours_off_is_told(
    hours: int, s3: s3server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(UTC) + timedelta(hours=hours)

    monkeypatch.setattr(wire, "datetime", Wrong)
    error = refused(tmp_path, s3.endpoint, s3.make_bucket())
    assert "clock" in error.message
    assert "timedatectl" in error.hint


def passing(s3: s3server.Server, requests: set[str], answers: set[str]) -> Any:
    """A proxy before the server that loses these headers on the way there and back."""
    host = s3.endpoint.removeprefix("http://")

    def pass_on(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        upstream = http.client.HTTPConnection(host, timeout=20)
        kept = {n: v for n, v in handler.headers.items() if n.lower() not in requests}
        upstream.request(handler.command, handler.path, body or None, kept)
        found = upstream.getresponse()
        content = found.read()
        upstream.close()
        hop = {"content-length", "connection", "transfer-encoding", "date", "server"}
        back = {n: v for n, v in found.getheaders() if n.lower() not in answers | hop}
        reply(handler, found.status, content, **back)

    return pass_on


@pytest.mark.parametrize(
    ("there", "back", "told"),
    [
        ({"authorization"}, set(), "access denied"),
        ({"x-amz-date"}, set(), "signature|access denied|date"),
        ({"content-encoding"}, set(), "signature: the secret key is wrong, or a proxy changes"),
        (set(), {"etag", "Etag"}, "does not arrive as it is sent"),
    ],
    ids=["signature", "date", "encoding", "tags"],
)
def test_a_proxy_that_strips_headers_is_told(
    there: set[str], back: set[str], told: str, s3: s3server.Server, tmp_path: Path
) -> None:
    with answering(passing(s3, there, {name.lower() for name in back})) as port:
        error = refused(tmp_path, f"http://127.0.0.1:{port}", s3.make_bucket())
    assert re.search(told, error.message + error.hint)


def test_http_where_https_is_asked_is_told(tmp_path: Path) -> None:
    with answering(lambda handler, _: reply(handler, 200, b"")) as port:
        error = refused(tmp_path, f"https://127.0.0.1:{port}")
    assert "no trusted TLS connection" in error.message
    assert "http or https?" in error.hint


@pytest.mark.skipif(shutil.which("openssl") is None, reason="not applicable: no openssl")
def test_a_certificate_that_nobody_trusts_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "own.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*words.split(), *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    refusal = b"<Error><Code>NoSuchBucket</Code></Error>"
    with answering(lambda handler, _: reply(handler, 404, refusal), context) as port:
        endpoint = f"https://127.0.0.1:{port}"
        error = refused(tmp_path, endpoint)
        assert "is not trusted" in error.message
        assert "AWS_CA_BUNDLE" in error.hint
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        assert "there is no bucket" in refused(tmp_path / "trusted", endpoint).message


def test_something_that_is_no_s3_server_is_told(tmp_path: Path) -> None:
    with answering(lambda handler, _: reply(handler, 200, b"<html>Log in</html>")) as port:
        error = refused(tmp_path, f"http://127.0.0.1:{port}")
    assert "not a manifest" in error.message


def test_a_proxy_of_the_environment_is_used(
    s3: s3server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked by whole addresses, and the server, not the proxy, is signed for."""
    seen: list[str] = []
    logins: set[str | None] = set()
    forward = passing(s3, {"proxy-authorization"}, set())

    def pass_on(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        seen.append(handler.path)
        logins.add(handler.headers["Proxy-Authorization"])
        handler.path = handler.path.removeprefix("http://s3.example")
        forward(handler, body)

    bucket = s3.make_bucket()  # not by way of the proxy
    with answering(pass_on) as port:
        monkeypatch.setenv("http_proxy", f"http://me:a%40b@127.0.0.1:{port}")
        settings = PublishConfig(endpoint_url="http://s3.example")
        one = Publishing(tmp_path / "one", f"s3://{bucket}", settings)
        one.build(small_site(1))
        one.publish()
        assert one.stored() == one.tree
        one.close()
    assert all(path.startswith("http://s3.example/") for path in seen)
    assert logins == {LOGIN}


def test_a_proxy_of_the_environment_is_asked_for_a_tunnel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[tuple[str, str | None]] = set()

    def refuse(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        seen.add((handler.path, handler.headers["Proxy-Authorization"]))
        reply(handler, 407, b"")

    with answering(refuse) as port:
        monkeypatch.setenv("https_proxy", f"http://me:a%40b@127.0.0.1:{port}")
        assert "407" in refused(tmp_path, "https://s3.example").message
    assert seen == {("s3.example:443", LOGIN)}


@pytest.mark.parametrize(
    ("status", "told", "hint"),
    [(301, "sends to another address", "http or https"), (413, "large requests", "nginx")],
)
def test_what_stands_before_the_server_may_refuse_too(
    status: int, told: str, hint: str, tmp_path: Path
) -> None:
    def refuse(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        reply(handler, status, b"<html>nginx</html>", location="https://elsewhere")

    with answering(refuse) as port:
        error = refused(tmp_path, f"http://127.0.0.1:{port}")
    assert told in error.message
    assert hint in error.hint


def test_a_session_token_of_two_lines_is_no_header(
    s3: s3server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a\r\nx-evil: 1")
    assert "more than one line" in refused(tmp_path, s3.endpoint, s3.make_bucket()).message
