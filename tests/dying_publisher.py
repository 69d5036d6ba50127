"""Publishers that kill themselves between two requests, in processes of their own, and a crawler.

A fork server that has loaded everything makes each of them in some milliseconds.
"""

import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
import s3server
from publishing import DAY, NOW, Publishing, Watched, dead_links, page, plain

from mtsite.config import PublishConfig

NEVER = 10**9
GRACE = 2 * DAY


@dataclass(frozen=True)
class Order:
    """What a publisher is told: it dies before request number `allowed` + 1."""

    root: Path
    url: str
    endpoint: str
    keys: Mapping[str, str]
    generation: int
    allowed: int
    threads: int


def site_of(generation: int, least: int = 3) -> dict[str, bytes]:
    """A site that lives: runs come, logs change, and of some runs only small pages are left."""
    site = {"_assets/v1/site.css": b"body{}", "404.html": page("index.html")}
    runs = least + min(generation // 4, 12)
    for number in range(runs):
        chance = random.Random(f"{number} {(generation + number) // 3}")
        _add_run(site, number, chance.random(), gone=chance.random() < 0.2)
    site["a/t/index.html"] = page(*(f"w{n:02}/index.html" for n in range(runs)))
    site["a/index.html"] = page("t/index.html", "../index.html", text=f"{generation}")
    site["index.html"] = page("a/index.html", "_assets/v1/site.css", text=f"{generation}")
    return site


def _add_run(site: dict[str, bytes], number: int, draw: float, *, gone: bool) -> None:
    run = f"a/t/w{number:02}"
    up, text = "../index.html", f"{draw}"
    if gone:
        site[f"{run}/index.html"] = page(up, text="gone")
        site[f"{run}/compile/index.html"] = page(up, text="gone")
        site[f"{run}/compile/_log/log.html"] = page(up, text="gone")
        return
    blob = f"_blobs/{number:02}/{text[2:]}.txt"
    site[blob] = f"log {draw}\n".encode() * 30
    site[f"{run}/compile/_log/log.html"] = page(f"../../../../../{blob}", up)
    site[f"{run}/compile/index.html"] = page("_log/log.html", up, text=text)
    site[f"{run}/index.html"] = page("compile/index.html", up, text=text)


def publish_or_die(order: Order) -> None:
    """The work of one process; how many requests a whole publish took is left in `requests`."""
    os.environ.update(order.keys)
    settings = PublishConfig(endpoint_url=order.endpoint, threads=order.threads)
    one = Publishing(order.root, order.url, settings)
    one.build(site_of(order.generation))
    counting, seen = threading.Lock(), [0]

    def before(kind: str, path: str) -> None:
        with counting:
            seen[0] += 1
            if seen[0] > order.allowed:
                os.kill(os.getpid(), signal.SIGKILL)

    one.wrap = lambda destination: Watched(destination, before)
    one.publish(now=NOW + order.generation * DAY, grace=GRACE)
    (order.root / "requests").write_text(str(seen[0]))


@dataclass
class Life:
    """A bucket, one publisher after the other, and what was ever published there."""

    server: s3server.Server
    root: Path
    threads: int
    bucket: str = ""
    generation: int = 0
    published: set[str] = field(default_factory=set)
    _seen: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bucket = self.server.make_bucket()
        self.client = self.server.client()
        self.context: ForkServerContext = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["dying_publisher", "mtsite.publish.s3"])
        with pytest.MonkeyPatch.context() as patch:
            # Python 3.11's fork server looks for modules only where the environment says.
            patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
            forkserver.ensure_running()

    def publish(self, allowed: int = NEVER) -> bool:
        """Publish the generation; whether it lived to the end."""
        url, keys = f"s3://{self.bucket}/x", self.server.environment
        order = Order(
            *(self.root, url, self.server.endpoint, keys, self.generation, allowed, self.threads)
        )
        child = self.context.Process(target=publish_or_die, args=(order,))
        child.start()
        child.join()
        assert child.exitcode in {0, -signal.SIGKILL}, child.exitcode
        lived = child.exitcode == 0
        child.close()
        if lived:
            site = site_of(self.generation)
            self.published |= {path for path in site if path.endswith(".html")}
        return lived

    @property
    def requests(self) -> int:
        """How many the last publish that lived took."""
        return int((self.root / "requests").read_text())

    def crawl(self) -> dict[str, bytes]:
        """All that lies there; fails where a reader, wherever they enter, meets a dead link."""
        stored = self._stored()
        lost = self.published - stored.keys()
        assert not lost, f"addresses that are no more: {sorted(lost)}"
        assert dead_links(stored, sorted({*self.published, "index.html"})) == set()
        return stored

    def check_whole(self) -> None:
        """The bucket holds the generation, and readers find everything."""
        stored = self.crawl()
        site = site_of(self.generation)
        assert {path: stored.get(path) for path in site} == site

    def _stored(self) -> dict[str, bytes]:
        """An object whose tag was seen is not read again."""
        answer = self.client.list_objects_v2(Bucket=self.bucket, Prefix="x/")
        assert not answer["IsTruncated"]
        stored = {}
        for each in answer.get("Contents", []):
            path, name = each["Key"].removeprefix("x/"), (each["Key"], each["ETag"])
            if path.startswith("_manifest/"):
                continue
            if name not in self._seen:
                found = self.client.get_object(Bucket=self.bucket, Key=each["Key"])
                self._seen[name] = plain(found["Body"].read())
            stored[path] = self._seen[name]
        return stored
