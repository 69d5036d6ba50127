"""The words that a copy must not have, and what stands in their place.

A word of five letters and more is replaced wherever it stands, in the middle of others, too; a
shorter one, or one that is part of a word that must stay (a status, the name of a table), only
where it stands alone; a directory where a path begins with it or goes on with it. A word of two
letters is replaced in its column alone.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from mtsite.errors import MtsiteError
from mtsite.megatest.schema import TABLES

ALONE, ANYWHERE, IN_PATH = "alone", "anywhere", "path"
"""Where a word counts: not inside of others, inside of them, too, or as the front of a path."""

ANYWHERE_LETTERS = 5
SHORTEST = 3
_HEX = 8
_NETS = tuple(
    ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
)

KEPT = frozenset(
    (
        "root admin administrator nobody user users guest host localhost local none null unknown"
        " test tests testing build make error errors warning warnings info debug fail failed"
        " failure pass passed true false yes default home proj project projects data work scratch"
        " nfs lib usr opt var tmp etc bin src disk disks logs runs links lt net mnt export srv"
        " megatest example n/a worker builder ubuntu debian centos jenkins buildbot runner git www"
    ).split()
)
"""Words that say nothing of anybody, and that logs are full of."""

_STATES = (
    "COMPLETED NOT_STARTED RUNNING LAUNCHED REMOTEHOSTSTART KILLREQ KILLED KILLING STUCK INCOMPLETE"
    " BLOCKED ARCHIVED MOVED DELETED PASS FAIL WARN CHECK ABORT SKIP WAIVED AUTO DEAD PREQ_FAIL"
    " PREQ_DISCARDED TEN_STRIKES ZERO_ITEMS start end toplevel final final.log"
).split()


def protected_words() -> frozenset[str]:
    """What must stay readable for an area to be one, in lower case."""
    names = [name for table in TABLES for name in (table.name, *dict(table.columns))]
    return frozenset(word.lower() for word in (*names, *_STATES, *KEPT))


class Pseudonyms(Struct):
    """Words (lower case, bytes) → what stands for them; equal words, equal pseudonyms.

    `originals` are all words that were replaced anywhere, with where each counts: what the leak
    check looks for.
    """

    key: bytes
    kept: frozenset[str] = KEPT
    originals: dict[bytes, str] = field(default_factory=dict)
    _made: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    _taken: dict[bytes, tuple[str, bytes]] = field(default_factory=dict)
    _places: dict[bytes, str] = field(default_factory=dict)
    _protected: frozenset[str] = field(default_factory=protected_words)

    def of(self, kind: str, word: bytes) -> bytes:
        """The pseudonym of a word, as user-7f3a01c2."""
        low = word.lower()
        made = self._made.get((kind, low))
        if made is None:
            made = self._made[kind, low] = self._new(kind, low)
        return made

    def is_kept(self, word: bytes) -> bool:
        """Whether a word stays: it is on the list, empty, a number, or a pseudonym itself."""
        text = word.decode("utf-8", "replace").lower()
        return text in self.kept or not re.search(r"[^\W\d_]", text) or word in self._taken

    def note(self, word: bytes) -> None:
        """A word that must not be in the copy."""
        low = word.lower()
        if len(low) >= SHORTEST:
            self.originals[low] = self.place(low)

    def place(self, word: bytes) -> str:
        """Where a word (lower case) counts."""
        found = self._places.get(word)
        if found is None:
            found = self._places[word] = self._place(word)
        return found

    def _place(self, word: bytes) -> str:
        text = word.decode("utf-8", "replace")
        if text.startswith("/"):
            return IN_PATH
        if _is_address(word):
            return ALONE
        short = len(word) < ANYWHERE_LETTERS or any(text in one for one in self._protected)
        return ALONE if short else ANYWHERE

    def address(self, word: bytes) -> bytes:
        """An IP address of those kept for documentation."""
        digest = self._digest("address", word.lower())
        if b":" in word:
            tail = [digest[2 * i : 2 * i + 2].hex() for i in range(4)]
            return f"2001:db8::{':'.join(tail)}".encode()
        net = _NETS[digest[0] % len(_NETS)]
        return str(net[1 + digest[1] % 254]).encode()

    def _new(self, kind: str, word: bytes) -> bytes:
        digest = self._digest(kind, word).hex()
        for length in range(_HEX, len(digest), 4):
            made = f"{kind}-{digest[:length]}".encode()
            if self._taken.setdefault(made, (kind, word)) == (kind, word):
                return made
        raise MtsiteError(f"no pseudonym is left for a {kind}", "use another key")

    def _digest(self, kind: str, word: bytes) -> bytes:
        return hmac.new(self.key, kind.encode() + b"\0" + word, hashlib.sha256).digest()


class Dictionary(Struct):
    """What is known before the copy begins: word (lower case) → pseudonym.

    `spared` are values that stay because they say nothing.
    """

    words: dict[bytes, bytes] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    spared: set[str] = field(default_factory=set)

    def add(self, pseudonyms: Pseudonyms, kind: str, value: bytes) -> None:
        """A user, host, or other word; of a host that has one the domain counts for itself."""
        parts = [(kind, value)]
        if kind == "host" and b"." in value.strip(b".") and not _is_address(value):
            first, _, domain = value.partition(b".")
            parts = [("host", first), ("net", domain)]
        for part, word in parts:
            if pseudonyms.is_kept(word):
                self.spared.add(word.decode("utf-8", "replace"))
            elif word.lower() not in self.words and word:
                ending = b".example" if part == "net" else b""
                self.words[word.lower()] = pseudonyms.of(part, word) + ending
                self.counts[part] = self.counts.get(part, 0) + 1
                pseudonyms.note(word)

    def add_directory(self, pseudonyms: Pseudonyms, path: str) -> None:
        """A directory and those above it, each part that says something: /proj/x → /proj/dir-…."""
        old = new = b""
        for part in path.encode("utf-8", "surrogateescape").strip(b"/").split(b"/"):
            stays = len(part) < SHORTEST or pseudonyms.is_kept(part)
            known = self.words.get(part.lower())
            old, new = (
                old + b"/" + part,
                new + b"/" + (part if stays else known or pseudonyms.of("dir", part)),
            )
            if new != old and old.count(b"/") > 1 and old.lower() not in self.words:
                self.words[old.lower()] = new
                self.counts["dir"] = self.counts.get("dir", 0) + 1
                pseudonyms.note(old)


def _is_address(value: bytes) -> bool:
    try:
        ipaddress.ip_address(value.decode("ascii", "replace"))
    except ValueError:
        return False
    return True


def most_specific_first(words: Mapping[bytes, bytes] | Iterable[bytes]) -> list[bytes]:
    """Longer words first: what holds another word is looked for before it."""
    return sorted(words, key=lambda word: (-len(word), word))
