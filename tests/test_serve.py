import http.client
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtsite.errors import UsageError
from mtsite.publish.headers import headers_for
from mtsite.serve import PreviewServer, open_server

CONTENT = bytes(range(256)) * 4
BLOB = "_blobs/ab/" + "ab" * 32


@dataclass
class Reply:
    status: int
    body: bytes
    headers: dict[str, str]


class Browser:
    """Asks a server exactly what a test says, byte for byte."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str, method: str = "GET", **headers: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            answer = connection.getresponse()
            return Reply(answer.status, answer.read(), dict(answer.headers))
        finally:
            connection.close()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "site"
    for path, content in {
        "index.html": b"<h1>front</h1>",
        "404.html": b"<h1>not here</h1>",
        "a/index.html": b"area",
        "a/~3Cb~3E/x=1,y@2/index.html": b"hostile",
        f"{BLOB}.txt": CONTENT,
        f"{BLOB}.html": b"<script>alert(1)</script>",
        "a/index.json": b"{}",
        "empty.txt": b"",
    }.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
    (tmp_path / "secret.txt").write_bytes(b"secret")
    return tree


@pytest.fixture
def server(tree: Path) -> Iterator[PreviewServer]:
    with open_server(tree, 0, lambda path: headers_for(path).content_type) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def browser(server: PreviewServer) -> Browser:
    return Browser(server.server_port)


def test_a_page_comes_whole_with_its_type(browser: Browser) -> None:
    reply = browser.ask("/a/index.html")
    assert (reply.status, reply.body) == (200, b"area")
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Length"] == "4"


@pytest.mark.parametrize("path", ["/", "/index.html", "/?x=1", "/index.html#x"])
def test_the_front_page_answers_at_the_root(browser: Browser, path: str) -> None:
    assert browser.ask(path).body == b"<h1>front</h1>"


def test_a_blob_of_html_is_text(browser: Browser) -> None:
    reply = browser.ask(f"/{BLOB}.html")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_escaped_names_are_found(browser: Browser) -> None:
    assert browser.ask("/a/~3Cb~3E/x=1,y@2/index.html").body == b"hostile"
    assert browser.ask("/a/%7E3Cb~3E/x%3D1%2Cy%402/index.html").body == b"hostile"


def test_head_says_the_same_without_the_body(browser: Browser) -> None:
    whole, head = browser.ask(f"/{BLOB}.txt"), browser.ask(f"/{BLOB}.txt", "HEAD")
    assert head.body == b""
    assert {**head.headers, "Date": ""} == {**whole.headers, "Date": ""}


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=100-", 100, 1023),
        ("bytes=-24", 1000, 1023),
        ("bytes=-5000", 0, 1023),
        ("bytes=1000-99999", 1000, 1023),
        ("bytes=1023-1023", 1023, 1023),
    ],
)
def test_a_range_comes_as_206(browser: Browser, asked: str, first: int, last: int) -> None:
    reply = browser.ask(f"/{BLOB}.txt", Range=asked)
    assert (reply.status, reply.body) == (206, CONTENT[first : last + 1])
    assert reply.headers["Content-Range"] == f"bytes {first}-{last}/1024"
    assert reply.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_behind_the_end_is_416(browser: Browser, asked: str) -> None:
    reply = browser.ask(f"/{BLOB}.txt", Range=asked)
    assert (reply.status, reply.headers["Content-Range"]) == (416, "bytes */1024")


@pytest.mark.parametrize("asked", ["bytes=9-1", "bytes=0-1,4-5", "lines=1-2", "bytes=x", "bytes=-"])
def test_what_is_no_single_range_gets_the_whole_file(browser: Browser, asked: str) -> None:
    assert browser.ask(f"/{BLOB}.txt", Range=asked).body == CONTENT


def test_an_empty_file_has_no_range(browser: Browser) -> None:
    assert browser.ask("/empty.txt").body == b""
    assert browser.ask("/empty.txt", Range="bytes=0-").status == 416


def test_a_known_tag_is_304_until_the_file_changes(browser: Browser, tree: Path) -> None:
    tag = browser.ask("/index.html").headers["ETag"]
    assert browser.ask("/index.html", If_None_Match=f'"x", {tag}').status == 304
    (tree / "index.html").write_bytes(b"<h1>other</h1>")
    reply = browser.ask("/index.html", If_None_Match=tag)
    assert (reply.status, reply.body) == (200, b"<h1>other</h1>")


def test_a_known_time_is_304(browser: Browser) -> None:
    changed = browser.ask("/index.html").headers["Last-Modified"]
    assert browser.ask("/index.html", If_Modified_Since=changed).status == 304
    old = "Thu, 01 Jan 1970 00:00:00 GMT"
    assert browser.ask("/index.html", If_Modified_Since=old).status == 200
    assert browser.ask("/index.html", If_Modified_Since="yesterday").status == 200


def test_a_range_of_an_older_file_gets_the_whole_new_one(browser: Browser) -> None:
    reply = browser.ask(f"/{BLOB}.txt", Range="bytes=0-9", If_Range='"old"')
    assert (reply.status, reply.body) == (200, CONTENT)


def test_what_is_missing_shows_the_sites_own_page(browser: Browser, tree: Path) -> None:
    reply = browser.ask("/nowhere.html")
    assert (reply.status, reply.body) == (404, b"<h1>not here</h1>")
    (tree / "404.html").unlink()
    reply = browser.ask("/nowhere.html")
    assert (reply.status, reply.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")


@pytest.mark.parametrize("path", ["/a", "/_blobs/", "/_blobs/ab", "/_blobs"])
def test_no_directory_is_listed(browser: Browser, path: str) -> None:
    assert browser.ask(path).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/a/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/a/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "//secret.txt",
        "/a/..\\..\\secret.txt",
        "/index.html%00",
        "/%ff",
        "/" + "a" * 5000,
        "*",
    ],
)
def test_nothing_outside_the_tree_is_reached(browser: Browser, path: str) -> None:
    reply = browser.ask(path)
    assert reply.status == 404
    assert b"secret" not in reply.body


def test_a_link_out_of_the_tree_and_a_fifo_are_not_served(browser: Browser, tree: Path) -> None:
    (tree / "out.txt").symlink_to(tree.parent / "secret.txt")
    (tree / "up").symlink_to(tree.parent)
    os.mkfifo(tree / "fifo.txt")
    for path in ("/out.txt", "/up/secret.txt", "/fifo.txt"):
        assert browser.ask(path).status == 404


def test_only_local_names_are_answered(browser: Browser) -> None:
    assert browser.ask("/index.html", Host="evil.example").status == 403
    assert browser.ask("/index.html", Host=f"localhost:{browser.port}").status == 200


def test_nothing_can_be_written(browser: Browser) -> None:
    for method in ("PUT", "POST", "DELETE", "OPTIONS"):
        assert browser.ask("/index.html", method).status == 501


def test_it_listens_on_loopback_only(server: PreviewServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} can't be used"):
            open_server(tmp_path, port, str)
