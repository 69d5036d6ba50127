"""What really lies at a destination, against what the manifest says: the only place that lists.

    list everything → missing, damaged, foreign → the ledger forgets what is missing or damaged
                    → the publish that follows puts it again

An object is compared by the tag that its bytes would have; where the server's tags are of another
kind it is read. What another publisher put, and this tree lacks, can only be named.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from mtsite.amounts import plural
from mtsite.publish.destination import Destination, Stored
from mtsite.publish.encode import Encoded
from mtsite.publish.ledger import Ledger
from mtsite.publish.plan import TreeFile, is_volatile
from mtsite.publish.send import Report
from mtsite.publish.shards import ROOT
from mtsite.publish.workers import in_threads

NAMED = 20
_GZIP_WINDOW = 31


class Audit(Struct):
    """What an audit found; lists are of paths, in byte order.

    missing: the manifest names it and it is not there. damaged: not what the manifest says.
    lost: missing, and not in this tree either. foreign: lies there and is nobody's. adopted: lies
    there as this tree has it, though no manifest said so. Missing shards are in `shards`.
    """

    objects: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    shards: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The part `audit` of the document that --json prints."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The same for a person, the first paths of each kind by name."""
        told = [f"audit: {plural(self.objects, 'object lies', 'objects lie')} there"]
        kinds = [
            (self.missing, "missing: put again"),
            (self.damaged, "not what was published: put again"),
            (self.lost, "missing, and not part of this tree: only its publisher can mend it"),
            (self.shards, "missing parts of the manifest: written anew"),
            (self.adopted, "as this tree has them: taken over, not sent"),
            (self.foreign, "foreign: nobody's; left alone"),
        ]
        for paths, meaning in kinds:
            if paths:
                told.append(f"{len(paths):>9,}  {meaning}")
                told += [f"{'':11}{path}" for path in paths[:NAMED]]
                told += [f"{'':11}and {len(paths) - NAMED:,} more"] * (len(paths) > NAMED)
        return told


class Auditor:
    """Looks at one destination; `encode` gives a file of the tree as it would be sent."""

    def __init__(
        self,
        destination: Destination,
        ledger: Ledger,
        encode: Callable[[str], Encoded],
        threads: int,
    ) -> None:
        self._destination = destination
        self._ledger = ledger
        self._encode = encode
        self._threads = threads

    def audit(self, tree: Iterable[TreeFile], report: Report) -> Audit:
        """List, compare, and make the ledger fit what is there.

        Raises:
            DestinationError: it can't be listed or read.
        """
        there = self._listed(report)
        found = Audit(objects=len(there))
        known = {row.path: row for row in self._ledger.published()}
        files = {file.path: file for file in tree if not is_volatile(file.path)}
        unsure = []
        for path in sorted(files.keys() & there.keys(), key=str.encode):
            row = known.get(path)
            if row is None or not row.digest or row.digest == files[path].digest:
                unsure.append(files[path])
        for path in self._differing(unsure, there, report):
            found.damaged.append(path)
        wrong = set(found.damaged)
        named = {path for path, row in known.items() if row.digest}
        found.damaged = sorted(wrong & named, key=str.encode)
        found.adopted = [f.path for f in unsure if f.path not in wrong and f.path not in named]
        gone = sorted(named - there.keys(), key=str.encode)
        found.missing = [path for path in gone if path in files]
        found.lost = [path for path in gone if path not in files]
        root, _ = self._ledger.root()
        own = {ref.path for ref in root.shards}
        # What is only known to be deleted, and lies there all the same, is nobody's.
        named |= {path for path, row in known.items() if row.since}
        found.shards = sorted(own - there.keys())
        found.foreign = sorted(
            p for p in there.keys() - named - own - files.keys() if not is_own(p)
        )
        self._ledger.mark_missing([*found.missing, *found.damaged, *found.lost])
        self._ledger.note_sent((path, files[path].digest) for path in found.adopted)
        return found

    def _listed(self, report: Report) -> dict[str, Stored]:
        there = {}
        for stored in self._destination.list():
            there[stored.path] = stored
            if len(there) % 1000 == 0:
                report("listing the destination", len(there), 0)
        return there

    def _differing(
        self, files: list[TreeFile], there: dict[str, Stored], report: Report
    ) -> Iterator[str]:
        """Those of the files whose object is another; each is encoded as it would be sent."""
        done = 0

        def differs(file: TreeFile) -> bool:
            return not is_same(self._destination, self._encode, file, there[file.path])

        for batch in in_threads(differs, files, self._threads):
            done += len(batch)
            report("comparing", done, len(files))
            yield from (file.path for file, different in batch if different)


def is_same(
    destination: Destination, encode: Callable[[str], Encoded], file: TreeFile, stored: Stored
) -> bool:
    """Whether an object is what the tree says of a file, whether that lies on this disk or not."""
    try:
        encoded = encode(file.path)
    except OSError:
        tag = ""
    else:
        tag = destination.tag_of(encoded.source) if encoded.digest == file.digest else ""
        encoded.close()
    if tag and stored.tag == tag:
        return True
    found = destination.get(file.path)
    return found is not None and _plain_digest(found.content, file) == file.digest


def _plain_digest(content: bytes, file: TreeFile) -> str:
    """The digest of an object's unpacked content, whichever way it was packed."""
    if hashlib.sha256(content).hexdigest() == file.digest:
        return file.digest
    try:
        content = zlib.decompressobj(_GZIP_WINDOW).decompress(content, file.size + 1)
    except zlib.error:
        return ""
    return hashlib.sha256(content).hexdigest()


def is_own(path: str) -> bool:
    """Whether mtsite writes there outside what the manifest names."""
    return path == ROOT or is_volatile(path)
