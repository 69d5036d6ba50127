"""One connection, kept: no answer is taken for that to another request."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit

import pytest

from mtsite.publish import wire
from mtsite.publish.sigv4 import Keys
from mtsite.publish.wire import Wire

CLOSE, LATE = b"", b"late"


class Scripted:
    """A server that gives these answers, connection by connection, request by request."""

    def __init__(self, *connections: list[bytes]) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.hurry = threading.Event()
        self._threads = [
            threading.Thread(target=self._talk, args=(answers,)) for answers in connections
        ]
        self._threads[0].start()

    def _talk(self, answers: list[bytes]) -> None:
        with self._listening.accept()[0] as one:
            after = self._threads.index(threading.current_thread()) + 1
            if after < len(self._threads):
                self._threads[after].start()
            with contextlib.suppress(OSError):
                for answer in answers:
                    if not one.recv(65536) or answer == CLOSE:
                        return
                    if answer == LATE:
                        self.hurry.wait(5)
                    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer)
                    one.sendall(head + answer)

    def close(self) -> None:
        for thread in self._threads:
            thread.join()
        self._listening.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "ANSWER_SECONDS", 0.2)


def asking(server: Scripted) -> Wire:
    return Wire(
        urlsplit(server.endpoint),
        "us-east-1",
        lambda: Keys("a", "b"),
        lambda *_: None,
        pause=lambda _: server.hurry.set(),
    )


@pytest.mark.parametrize(
    "connections",
    [
        ([b"first", LATE, b"lost"], [b"second", b"third"]),
        ([b"first", CLOSE], [LATE, b"lost"], [b"second", b"third"]),
    ],
    ids=["it was late", "it was closed, then late"],
)
def test_an_answer_that_came_too_late_is_nobodys(connections: tuple[list[bytes], ...]) -> None:
    server = Scripted(*connections)
    one = asking(server)
    answers = [one.ask("GET", f"/{number}", {}).content for number in range(3)]
    assert answers == [b"first", b"second", b"third"]
    one.close()
    server.close()


def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure() -> None:
    server = Scripted([b"first", CLOSE], [b"second"])
    one = asking(server)
    assert [one.ask("GET", "/k", {}).content for _ in range(2)] == [b"first", b"second"]
    assert not server.hurry.is_set()
    one.close()
    server.close()
