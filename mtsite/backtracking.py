"""RE2's syntax for Python's `re`: where google-re2 can't be loaded, the same matches, slower.

Both find the leftmost match and prefer the first alternative, so a pattern that both understand
matches alike. What differs is written out: flags hold to the end of their group, `\\s` has no
vertical tab, `$` without `(?m)` is the very end. What only one of them knows is refused.
"""

import re
from collections.abc import Iterator

_SPACE = rb"\t\n\f\r "
_NO_SPACE = rb"\x00-\x08\x0b\x0e-\x1f\x21-\xff"
_FLAGS = re.compile(rb"\(\?([ims]+)\)")
_SCOPED = re.compile(rb"\(\?([ims]*)(?:-([ims]+))?:")
_NAMED = re.compile(rb"\(\?P?<(\w+)>")
_ESCAPE = re.compile(rb"\\(?:x[0-9a-fA-F]{2}|x\{[0-9a-fA-F]{1,2}\}|[0-7]{2,3}|.)", re.DOTALL)
_KNOWN_LETTERS = frozenset(b"abdfnrstvwABDSWxz")
_DOUBLED_IN_CLASS = b"[&~|-"


def compile_backtracking(pattern: bytes) -> "re.Pattern[bytes]":
    """The pattern for Python's `re`.

    Raises:
        ValueError: it is not RE2's syntax, or a part of it that only google-re2 has.
    """
    try:
        return re.compile(b"".join(_Translation(pattern).parts()))
    except re.error as error:
        raise ValueError(str(error)) from None


class _Translation:
    """One pattern on its way; `_groups` has for each open group what closes it, and its flags."""

    def __init__(self, pattern: bytes) -> None:
        self._pattern = pattern
        self._at = 0
        self._groups = [(b"", frozenset[int]())]

    def parts(self) -> Iterator[bytes]:
        """The parts of the translation, in order."""
        while self._at < len(self._pattern):
            yield self._next()
        if len(self._groups) > 1:
            raise ValueError("missing )")
        yield self._groups[0][0]

    def _next(self) -> bytes:
        character = self._pattern[self._at : self._at + 1]
        if character == b"(":
            return self._open()
        if character == b"[":
            return self._class()
        if character == b"\\":
            return self._escape(inside=False)
        self._at += 1
        if character == b")":
            if len(self._groups) == 1:
                raise ValueError("unexpected )")
            return self._groups.pop()[0] + b")"
        if character == b"$" and ord("m") not in self._groups[-1][1]:
            return rb"\Z"
        if character in b"*+?}" and self._pattern[self._at : self._at + 1] in (b"+", b"*"):
            raise ValueError("bad repetition operator")
        return character

    def _open(self) -> bytes:
        close, flags = self._groups[-1]
        if found := _FLAGS.match(self._pattern, self._at):
            # They hold to the end of the group that they stand in.
            self._at = found.end()
            self._groups[-1] = (close + b")", flags | set(found[1]))
            return b"(?" + found[1] + b":"
        if found := _SCOPED.match(self._pattern, self._at):
            self._at = found.end()
            kept = (flags | set(found[1])) - set(found[2] or b"")
            self._groups.append((b"", frozenset(kept)))
            return found[0]
        self._groups.append((b"", flags))
        if found := _NAMED.match(self._pattern, self._at):
            self._at = found.end()
            return b"(?P<" + found[1] + b">"
        if self._pattern[self._at : self._at + 2] == b"(?":
            raise ValueError("invalid perl operator: RE2 has no look-around")
        self._at += 1
        return b"("

    def _class(self) -> bytes:
        pattern = self._pattern
        begin = self._at
        self._at += 2 if pattern[begin + 1 : begin + 2] == b"^" else 1
        parts = [pattern[begin : self._at]]
        first = self._at
        while pattern[self._at : self._at + 1] != b"]" or self._at == first:
            character = pattern[self._at : self._at + 1]
            if not character:
                raise ValueError("missing ]")
            if pattern[self._at : self._at + 2] == b"[:":
                raise ValueError("a named class needs google-re2")
            if character == b"\\":
                parts.append(self._escape(inside=True))
                continue
            self._at += 1
            doubled = pattern[self._at : self._at + 1] == character
            special = character == b"[" or (doubled and character in _DOUBLED_IN_CLASS)
            parts.append(b"\\" + character if special or character == b"]" else character)
        self._at += 1
        return b"".join(parts) + b"]"

    def _escape(self, *, inside: bool) -> bytes:
        found = _ESCAPE.match(self._pattern, self._at)
        if found is None:
            raise ValueError("trailing \\")
        self._at = found.end()
        what = found[0][1:]
        if what in (b"s", b"S"):
            body = _SPACE if what == b"s" else _NO_SPACE
            return body if inside else b"[" + body + b"]"
        if what == b"z":
            return rb"\Z"
        if what[:2] == b"x{":
            return b"\\x%02x" % int(what[2:-1], 16)
        if what[:1].isalnum() and len(what) == 1 and what[0] not in _KNOWN_LETTERS:
            raise ValueError(f"invalid escape sequence: \\{what.decode('latin-1')}: not in RE2")
        return found[0]
