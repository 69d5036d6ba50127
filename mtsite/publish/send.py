"""The tree's files on their way: read, checked against the plan, put, remembered; in threads."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from mtsite.amounts import plural
from mtsite.errors import PartlyDoneError
from mtsite.publish.destination import Destination
from mtsite.publish.encode import Encoded, encode_file
from mtsite.publish.headers import headers_for
from mtsite.publish.ledger import Ledger
from mtsite.publish.plan import PublishPlan, TreeFile, is_volatile
from mtsite.publish.workers import in_threads

_NAMED = 10
NOT_HERE = "not on this disk"

Report = Callable[[str, int, int], None]
"""Is told what is going on, how much is done, and of how much."""

_Cost = tuple[Mapping[str, int], int]
"""Requests by kind, and bytes, of one put."""


class Sent(Struct):
    """What was put, or would be: files, their plain bytes, and these as they are sent.

    `requests` are those that this takes, by kind, when nothing fails.
    """

    files: int = 0
    plain_bytes: int = 0
    sent_bytes: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    stale: list[str] = field(default_factory=list)


class Sender:
    """Puts the files of one tree at one destination."""

    def __init__(self, tree: Path, destination: Destination, ledger: Ledger, threads: int) -> None:
        self._tree = tree
        self._destination = destination
        self._ledger = ledger
        self._threads = threads

    def send(self, plan: PublishPlan, report: Report) -> Sent:
        """Put all uploads of a plan, phase after phase; each is remembered as it finishes.

        A phase begins when the one before is complete, so no reader is led to what isn't there. The
        last phase is not flushed: what is written next, the root, is what needs it.

        Raises:
            DestinationError: an object was refused; those under way were finished first.
            PartlyDoneError: files are not what the build wrote; they are named.
        """
        sent = Sent()
        total = len(plan.uploads)
        self._ledger.begin(file.path for file in plan.uploads)
        reachable = False
        for phase in plan.phases():
            if phase is not plan.new and not reachable:
                reachable = True
                self._destination.flush()
            for done in in_threads(self._send_one, phase, self._threads):
                well = self._add(done, sent)
                self._ledger.note_sent((file.path, file.digest) for file in well)
                report("publishing", sent.files, total)
            if sent.stale:
                raise _refuse_stale(sent.stale)
        return sent

    def measure(self, plan: PublishPlan, report: Report) -> Sent:
        """What `send` would do, told by encoding every file as it would be sent.

        Raises:
            PartlyDoneError: files are not what the build wrote; they are named.
        """
        measured = Sent()
        for done in in_threads(self._measure_one, plan.uploads, self._threads):
            self._add(done, measured)
            report("measuring", measured.files, len(plan.uploads))
        if measured.stale:
            raise _refuse_stale(measured.stale)
        return measured

    def send_volatile(self, files: Iterable[tuple[TreeFile, Encoded]]) -> Sent:
        """Put the volatile files, one after the other, the status last."""
        sent = Sent()
        put = []
        for file, encoded in files:
            cost = self._put(file.path, encoded)
            put.append((file.path, file.digest))
            self._add([(file, cost)], sent)
            encoded.close()
        if put:
            self._destination.flush()
            self._ledger.note_volatile(put)
        return sent

    def has(self, path: str) -> bool:
        """Whether the tree has such a file."""
        return (self._tree / path).is_file()

    def changed_volatile(self) -> list[tuple[TreeFile, Encoded]]:
        """The volatile files that differ from what was last put."""
        known = self._ledger.volatile()
        changed = []
        for path in _volatile_paths(self._tree):
            try:
                encoded = self.encode(path)
            except OSError:
                continue  # written anew at this moment: it will be sent next time
            if known.get(path) == encoded.digest:
                encoded.close()
            else:
                changed.append((TreeFile(path, encoded.digest, encoded.size), encoded))
        return changed

    def gone_volatile(self) -> list[str]:
        """The volatile files that were put and are no longer in the tree."""
        return sorted(self._ledger.volatile().keys() - _volatile_paths(self._tree))

    def _add(self, done: Sequence[tuple[TreeFile, _Cost | str]], sent: Sent) -> list[TreeFile]:
        """Count what is well, name what is stale; the files that are well come back."""
        well = []
        for file, outcome in done:
            if isinstance(outcome, str):
                sent.stale.append(f"{file.path} ({outcome})")
                continue
            well.append(file)
            sent.files += 1
            sent.plain_bytes += file.size
            sent.sent_bytes += outcome[1]
            sent.requests.update(outcome[0])
        return well

    def _send_one(self, file: TreeFile) -> _Cost | str:
        return self._encoded(file, self._put)

    def _measure_one(self, file: TreeFile) -> _Cost | str:
        return self._encoded(
            file, lambda path, encoded: self._destination.rest_of_put(path, encoded.source)
        )

    def _put(self, path: str, encoded: Encoded) -> _Cost:
        self._destination.put(path, encoded.source, encoded.headers)
        return self._destination.requests_of_put(encoded.sent_bytes), encoded.sent_bytes

    def _encoded(self, file: TreeFile, use: Callable[[str, Encoded], _Cost]) -> _Cost | str:
        """What it costs; or in what way the file is not what the build wrote."""
        try:
            encoded = self.encode(file.path)
        except FileNotFoundError:
            return NOT_HERE
        except OSError as error:
            return error.strerror or str(error)
        try:
            if encoded.digest != file.digest:
                return "changed"
            return use(file.path, encoded)
        finally:
            encoded.close()

    def encode(self, path: str) -> Encoded:
        """A file of the tree as it is sent.

        Raises:
            OSError: it can't be read.
        """
        return encode_file(
            self._tree / path, headers_for(path), pack=self._destination.keeps_headers
        )


def _volatile_paths(tree: Path) -> list[str]:
    # The page of all jobs after those that it leads to.
    found = (path for path in (tree / "_jobs").rglob("*") if path.is_file())
    jobs = sorted(found, key=lambda path: (path.name == "index.html", path))
    status = [tree / "_status.js", tree / "_status.json"]
    paths = [path.relative_to(tree).as_posix() for path in (*jobs, *status) if path.exists()]
    return [path for path in paths if is_volatile(path) and "/.tmp-" not in path]


def _refuse_stale(stale: Sequence[str]) -> PartlyDoneError:
    named = "\n".join(f"  {told}" for told in stale[:_NAMED])
    more = f"\n  and {len(stale) - _NAMED} more" if len(stale) > _NAMED else ""
    # A plain build does not write again what [site] keep_local let go.
    full = " --full" if any(told.endswith(f"({NOT_HERE})") for told in stale) else ""
    return PartlyDoneError(
        f"{plural(len(stale), 'file is', 'files are')} not what the build wrote, so what leads"
        f" there was not published:\n{named}{more}",
        f"run `mtsite build{full}`, then `mtsite publish` again: what was sent is not sent twice",
    )
