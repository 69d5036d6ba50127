"""One text with its words replaced: known ones, addresses, home directories, secrets.

One RE2 expression finds all of them in one pass. The number of lines never changes.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence

from mtsite.anonymize.words import (
    ALONE,
    ANYWHERE,
    SHORTEST,
    Dictionary,
    Pseudonyms,
    most_specific_first,
)
from mtsite.logs.masking import Masking
from mtsite.logs.redact import Redactor
from mtsite.regex import Match, Pattern, compile_bytes

_BORDER = b"\n\0\n"
_HOME_NAME, _IPV6_GROUP, _KNOWN = 2, 4, 5
"""Groups of the expression: the name in a home directory; words that are known."""

_WORD = re.compile(rb"[A-Za-z0-9]")
_MAIL = rb"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}"
_HOME = rb"/(?:home|users|Users)/([A-Za-z0-9._-]{1,64})"
_IPV4 = rb"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
# Short ones by how real ones begin: `ab::cd` is a name of C++.
_IPV6 = (
    rb"[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){7}"
    rb"|(?:[23][0-9A-Fa-f]{3}|[Ff][CDFcdf][0-9A-Fa-f]{2}|[Ff][Ee][89ABab][0-9A-Fa-f])"
    rb"(?::[0-9A-Fa-f]{1,4}){0,6}::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,5})?"
)
_HOMES = compile_bytes(_HOME)
_HARMLESS = re.compile(
    rb"127\.|0\.0\.0\.0|255\.|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:0?db8:", re.IGNORECASE
)
_NO_USER = re.compile(rb"\.+|bin|lib|src|local|share|tmp", re.IGNORECASE)


class Scrubber:
    """Replaces by a dictionary and by shape; made once, used for every text."""

    def __init__(self, pseudonyms: Pseudonyms, dictionary: Dictionary, redactor: Redactor) -> None:
        self._pseudonyms = pseudonyms
        self._words = dict(dictionary.words)
        self._redactor = redactor
        self._pattern = self._compiled()
        self.replaced = 0

    def scrub(self, content: bytes) -> bytes:
        """The content with everything replaced; the very same object where nothing is."""
        if self._redactor.hits(content):
            content = self._redactor.redact(content)[0]
        return self.reworded(content)

    def masked(self, read: Callable[[int], bytes]) -> Iterator[bytes]:
        """A text of any length with its secrets masked, in pieces."""
        return Masking(self._redactor).blocks(read)

    def scrub_all(self, contents: Sequence[bytes]) -> list[bytes]:
        """The same of many short texts, in one pass where no secret is in any of them."""
        together = _BORDER.join(contents)
        if not self._redactor.hits(together):
            scrubbed = self.reworded(together)
            if scrubbed is together:
                return list(contents)
            found = scrubbed.split(_BORDER)
            if len(found) == len(contents):
                return found
        return [self.scrub(content) for content in contents]

    def reworded(self, content: bytes) -> bytes:
        """The content with its words replaced; its secrets are masked already."""
        pieces: list[bytes] = []
        done = 0
        for start, end, word in self._places(content):
            pieces += [content[done:start], word]
            done = end
        if not pieces:
            return content
        self.replaced += len(pieces) // 2
        pieces.append(content[done:])
        return b"".join(pieces)

    def value(self, kind: str, value: bytes) -> bytes:
        """A value of a column of users or hosts, which is one word as a whole."""
        known = self._words.get(value.lower())
        if known is not None:
            return known
        if self._pseudonyms.is_kept(value) or kind not in ("user", "host"):
            return self.scrub(value)
        scrubbed = self.scrub(value)
        # Nothing known in it: it was too short to be looked for in texts.
        return scrubbed if scrubbed != value else self._pseudonyms.of(kind, value)

    def text(self, text: str) -> str:
        """The same for a text of a row or a file name."""
        raw = text.encode("utf-8", "surrogateescape")
        scrubbed = self.scrub(raw)
        return text if scrubbed is raw else scrubbed.decode("utf-8", "surrogateescape")

    def _compiled(self) -> Pattern:
        known = [re.escape(one) for one in most_specific_first(self._words) if len(one) >= SHORTEST]
        shapes = [b"(" + _MAIL + b")", _HOME, b"(" + _IPV4 + b")", b"(" + _IPV6 + b")"]
        words = b"(?i:(" + b"|".join(known) + b"))" if known else rb"([^\x00-\xff])"
        self._known_words = compile_bytes(rb"\A" + words)
        self._longest = max(map(len, self._words), default=0)
        whole = b"|".join([*shapes, words])
        self._spans = compile_bytes(whole, groups=False)
        shape = compile_bytes(b"|".join(shapes))
        place = self._pseudonyms.place
        self._plain = {
            word: (new, place(word))
            for word, new in self._words.items()
            if len(word) >= SHORTEST and not shape.fullmatch(word)
        }
        return compile_bytes(whole)

    def _places(self, content: bytes) -> Iterator[tuple[int, int, bytes]]:
        """(from, to, what stands there) of everything that is replaced, in order."""
        at = 0
        # Without groups a match takes half the time, and most are a known word as a whole.
        search, plain = self._spans.search, self._plain
        while found := search(content, at):
            start, end = found.span()
            known = plain.get(content[start:end].lower())
            if known is not None and counts_here(known[1], content, start, end):
                yield start, end, known[0]
                at = end
                continue
            match = self._pattern.search(content, start)
            place = None if match is None else self._place(content, match)
            if place is None:
                at = start + 1
            else:
                yield place
                at = place[1]

    def _place(self, content: bytes, match: Match) -> tuple[int, int, bytes] | None:
        start, end = match.span(_KNOWN)
        if start >= 0:
            return self._known_at(content, start, end)
        group = next(one for one in range(1, _KNOWN) if match.start(one) >= 0)
        start, end = match.span(group)
        # A directory that is known goes before the home directory that it begins with.
        if group == _HOME_NAME and (place := self._known_at(content, match.start())):
            return place
        word = self._stands_for(group, content, start, end)
        return self._known_at(content, match.start()) if word is None else (start, end, word)

    def _known_at(self, content: bytes, start: int, end: int = 0) -> tuple[int, int, bytes] | None:
        """The longest word that begins here and counts: of /proj/x/y2 that is /proj/x, not …/y."""
        if not end:
            match = self._known_words.search(content[start : start + self._longest])
            end = start + match.end() if match else 0
        place = self._pseudonyms.place
        for stop in range(end, start + SHORTEST - 1, -1):
            word = content[start:stop].lower()
            new = self._words.get(word)
            if new is not None and counts_here(place(word), content, start, stop):
                return start, stop, new
        return None

    def _stands_for(self, group: int, content: bytes, start: int, end: int) -> bytes | None:
        word = content[start:end]
        names = self._pseudonyms
        if group == _HOME_NAME:
            if _NO_USER.fullmatch(word) or names.is_kept(word):
                return None
            names.note(word)
            return self._words.get(word.lower()) or names.of("user", word)
        if group == 1:
            if word.lower().endswith((b"@example.com", b".example")):
                return None
            names.note(word)
            return names.of("user", word.partition(b"@")[0]) + b"@example.com"
        if not counts_here(ALONE, content, start, end) or _HARMLESS.match(word):
            return None
        if group == 3 and any(int(part) > 255 for part in word.split(b".")):
            return None
        if group == _IPV6_GROUP and not _is_address(word):
            return None
        names.note(word)
        return names.address(word)


def _is_address(word: bytes) -> bool:
    try:
        ipaddress.IPv6Address(word.decode("ascii"))
    except ValueError:
        return False
    return True


def homes_in(content: bytes) -> Iterator[bytes]:
    """The users whose home directories a text names."""
    for match in _HOMES.finditer(content):
        word = content[match.start(1) : match.end(1)]
        if not _NO_USER.fullmatch(word):
            yield word


def counts_here(place: str, content: bytes, start: int, end: int) -> bool:
    """Whether a word that counts in such a place does so here: no letter or digit goes on."""
    if place == ANYWHERE:
        return True
    if place == ALONE and start > 0 and _WORD.match(content, start - 1):
        return False
    return end >= len(content) or _WORD.match(content, end) is None
