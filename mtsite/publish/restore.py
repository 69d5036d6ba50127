"""What was published, back into a tree that lost it: logs and records, nothing else.

Pages can be built again. A log whose run directory is gone, and an excerpt of it, lie in `_blobs/`
and `_record/` alone, here and at the destination: a build that goes on without them, and a publish
after it, would lose them for good. So they are fetched before a build that finds its state or tree
gone; where that fails, publishing there waits until a later build has fetched them.
"""

import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct, field

from mtsite import atomicfile, lock, record, urls
from mtsite.amounts import plural
from mtsite.config import Config
from mtsite.errors import DestinationError, MtsiteError, PartlyDoneError
from mtsite.logs.blocks import SUFFIX, text_digest
from mtsite.manifest import FILE, Manifest
from mtsite.publish.destination import Destination, open_destination
from mtsite.publish.lastjobs import recall_jobs
from mtsite.publish.ledger import Ledger, ledger_file
from mtsite.publish.listing import fetch_shard, read_root
from mtsite.publish.shards import ROOT, Line
from mtsite.publish.workers import in_threads

if TYPE_CHECKING:
    from mtsite.publish.send import Report

UNFETCHED = "unfetched"
_NAMED = 10
_BLOCK = 1 << 20
_LONGEST = 1000
_KEPT = ("_blobs/", "_record/")
_BLOB = re.compile(r"_blobs/([0-9a-f]{2})/((?:\1)[0-9a-f]{62})\.[A-Za-z0-9]{1,16}")
_RECORD = re.compile(r"_record/(?:(?!\.)[A-Za-z0-9._=,@~-]{1,200}/)+_run\.json")
_GZIP_WINDOW = 31


class FetchSummary(Struct):
    """What was brought back; `bytes` of unpacked content. `problems`: objects that are damaged."""

    records: int = 0
    blobs: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)


class _Damaged(Exception):
    """An object is missing, or not what the manifest says."""


def recover(config: Config, report: "Report", say: Callable[[str], None]) -> list[str]:
    """Before a build: where state or tree was lost, fetch what only the destination has.

    Returns what could not be fetched, in words. Nothing lost, or no destination: does nothing.
    """
    url = config.publish.destination
    marker = config.state_dir / UNFETCHED
    recall_jobs(config, say, ask=_lost(config))
    if not url or not (_lost(config) or _is_marked(marker, url)):
        return []
    try:
        fetched = fetch_kept(config, report=report, again=_is_marked(marker, url))
    except MtsiteError as error:
        _mark(marker, url)
        hint = f" ({error.hint})" if error.hint else ""
        return [f"what was published is not known: {error.message}{hint}"]
    if fetched.records or fetched.blobs:
        say(
            f"fetched {plural(fetched.records, 'record')} and {plural(fetched.blobs, 'log')}"
            f" from {url}"
        )
        _forget_tree(config)
    if fetched.problems:
        _mark(marker, url)
    else:
        marker.unlink(missing_ok=True)
    return fetched.problems


def refuse_unfetched(config: Config) -> None:
    """Stop a publish that would put a tree without its logs over one that has them.

    Raises:
        PartlyDoneError: the last build could not fetch what this destination has.
    """
    url = config.publish.destination
    if _is_marked(config.state_dir / UNFETCHED, url):
        raise PartlyDoneError(
            f"the tree was built without the logs and records that {url} has, so publishing it"
            " would lose them",
            "run `mtsite build` again when the destination answers; it fetches them",
        )


def fetch_kept(config: Config, *, report: "Report", again: bool = False) -> FetchSummary:
    """Bring the `_record/` and `_blobs/` files that the destination has and the tree lacks.

    Every file is compared with its digest before it appears. `again`: records that differ are
    fetched too. Repeating it fetches only what is still missing.

    Raises:
        DestinationError: it can't be read, or its manifest names a path that no site has.
    """
    site = config.site.output
    destination = open_destination(config.publish.destination, config.publish)
    summary = FetchSummary()
    try:
        wanted = [
            line for line in _published(config, destination) if _lacks(site, line, again=again)
        ]
        total = len(wanted)
        for done in _fetched(destination, site, wanted, config.publish.threads):
            for line, trouble in done:
                _count(summary, line, trouble)
            report("fetching logs and records", summary.records + summary.blobs, total)
    finally:
        destination.close()
    if summary.records or summary.blobs:
        os.sync()
    del summary.problems[_NAMED:]
    return summary


def _lost(config: Config) -> bool:
    manifest, index = config.state_dir / FILE, config.site.output / "index.html"
    return not (manifest.exists() and index.exists())


def _published(config: Config, destination: Destination) -> Iterator[Line]:
    """The newest line of every log and record there."""
    found = destination.get(ROOT)
    if found is None:
        _refuse_if_known(config, destination)
        return
    newest: dict[str, Line] = {}
    for ref in read_root(destination, found.content).shards:
        for line in fetch_shard(destination, ref):
            if line.path.startswith(_KEPT):
                newest[line.path] = line
    for line in newest.values():
        if line.digest:
            _check(destination, line)
            yield line


def _refuse_if_known(config: Config, destination: Destination) -> None:
    """An unmounted disk looks like a destination that nothing was published to."""
    settings = config.publish
    path = ledger_file(config.state_dir, settings.destination, settings.endpoint_url)
    if not path.exists():
        return
    with Ledger.open(path, keep=False) as ledger:
        _, tag = ledger.root()
    if tag:
        raise DestinationError(
            f"{destination.name}: what was published there is gone; is a disk not mounted?",
            f"if it was emptied on purpose, remove {path}",
        )


def _check(destination: Destination, line: Line) -> None:
    blob = _BLOB.fullmatch(line.path)
    # The name of a large log is that of its text; the manifest has the digest of the file.
    is_blob = blob is not None and (blob[2] == line.digest or line.path.endswith(SUFFIX))
    is_record = _RECORD.fullmatch(line.path) and len(line.path) <= _LONGEST
    if not is_blob and not is_record:
        raise DestinationError(
            f"{destination.name}: its manifest names {line.path[:200]!r}, which is no log and no"
            " record",
            "is it the right prefix? nothing was fetched",
        )


def _lacks(site: Path, line: Line, *, again: bool) -> bool:
    """A blob that was cut short is lacking; a record here may be newer than the one there."""
    path = site / line.path
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    if line.path.startswith("_blobs/"):
        return found.st_size != line.size
    return again and hashlib.sha256(path.read_bytes()).hexdigest() != line.digest


def _fetched(
    destination: Destination, site: Path, wanted: Iterable[Line], threads: int
) -> Iterator[list[tuple[Line, str]]]:
    def fetch(line: Line) -> str:
        try:
            _bring_back(destination, site, line)
        except _Damaged as trouble:
            return f"{destination.name}: {line.path}: {trouble}"
        return ""

    return in_threads(fetch, wanted, threads)


def _bring_back(destination: Destination, site: Path, line: Line) -> None:
    """One file, however large: it goes by way of another, and gets its name when it is right."""
    with atomicfile.draft(site) as stored:
        if not destination.fetch(line.path, stored.file):
            raise _Damaged("it is missing")
        if _digest(stored.file) == line.digest:
            _check_content(stored.file, line.path)
            stored.keep(site / line.path)
            return
        with atomicfile.draft(site) as plain:
            _unpack(stored.file, plain.file, line.size)
            if _digest(plain.file) != line.digest:
                raise _Damaged("it is not what was published")
            _check_content(plain.file, line.path)
            plain.keep(site / line.path)


def _check_content(file: BinaryIO, path: str) -> None:
    """The name of a large log is that of its text, and that of a record the run's."""
    file.seek(0)
    if path.endswith(SUFFIX) and text_digest(file) != Path(path).stem:
        raise _Damaged("its text is not that of its name")
    if _RECORD.fullmatch(path):
        file.seek(0)
        _check_record(file.read(), path)


def _check_record(content: bytes, path: str) -> None:
    try:
        found = record.decode_foreign(content)
    except ValueError as wrong:
        raise _Damaged(f"it is {wrong}") from None
    if urls.record_file(found.key) != path:
        raise _Damaged("it is the record of another run")
    blobs = (one.blob for test in found.tests.values() for one in test.files if one.blob)
    if odd := next((blob for blob in blobs if not _BLOB.fullmatch(blob)), ""):
        raise _Damaged(f"it names {odd[:200]!r}, which is no log of a site")


def _unpack(packed: BinaryIO, plain: BinaryIO, size: int) -> None:
    """The first gzip member, and no more of it than the manifest says: it may be a bomb."""
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    packed.seek(0)
    rest = b""
    try:
        while not unpacker.eof and plain.tell() <= size and (rest or (rest := packed.read(_BLOCK))):
            plain.write(unpacker.decompress(rest, _BLOCK))
            rest = unpacker.unconsumed_tail
        if not rest:  # otherwise it would unpack all that is left of a bomb
            plain.write(unpacker.flush())
    except zlib.error:
        raise _Damaged("it is not what was published") from None


def _digest(file: BinaryIO) -> str:
    whole = hashlib.sha256()
    file.seek(0)
    while block := file.read(_BLOCK):
        whole.update(block)
    return whole.hexdigest()


def _count(summary: FetchSummary, line: Line, trouble: str) -> None:
    if trouble:
        summary.problems.append(trouble)
        return
    summary.bytes += line.size
    if line.path.startswith("_blobs/"):
        summary.blobs += 1
    else:
        summary.records += 1


def _forget_tree(config: Config) -> None:
    """The next build looks at what lies in the tree, for now there is more than it knows."""
    with (
        lock.hold(config.state_dir, "build", "mtsite build"),
        Manifest.open(config.state_dir) as manifest,
    ):
        manifest.put("site", "")
        manifest.commit()


def _is_marked(marker: Path, url: str) -> bool:
    try:
        return marker.read_text(encoding="utf-8") == url
    except FileNotFoundError:
        return False


def _mark(marker: Path, url: str) -> None:
    atomicfile.write_durable(marker, url.encode())
