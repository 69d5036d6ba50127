"""What counts as a secret: the default rules of redaction, as data.

A rule has a name, an RE2 pattern over bytes whose groups hold the secret, and a function with the
last word on what was found. Private keys span lines and have a small reader of their own.
Rules stay off ordinary compiler and simulator output: a word alone is never a secret.
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from mtsite.regex import compile_bytes

Edit = tuple[int, int, str]
"""Bytes from, to, and the name of the rule that wants them masked."""

_PLACEHOLDER_BYTES = 60
_PLACEHOLDER = re.compile(
    rb"(?i)[*x.-]+|none|null|nil|undef(?:ined)?|true|false|yes|no|0|1|str|string|bytes"
    rb"|\$\{?\w+\}?|\$[({].*|%\(?\w*\)?s?%?|\{+\w*\}*|\[?(?:hidden|masked|redacted|filtered|secret)\]?"
    rb"|[][(){}]+|\w+\(.*"
    rb"|(?:ok|pass(?:ed)?|fail(?:ed|ure)?|errors?|warnings?|done|skip(?:ped)?|required|missing|invalid"
    rb"|incorrect|wrong|expired|not|unset|set|empty|enabled|disabled|changed|updated|unchanged"
    rb"|authentication|permission|cannot|can't|could|must|should|unable|unknown|the|is|for|enter"
    rb"|password|file|found|no|without|using|with)[.!:]?"
)
_LETTERS_ONLY = re.compile(rb"[A-Za-z_./:-]*")
_DIGITS_ONLY = re.compile(rb"[0-9_./:-]*")


def _no_placeholder(value: bytes) -> bool:
    # What is turned down is searched again from its second byte on: it must be short.
    return len(value) > _PLACEHOLDER_BYTES or not _PLACEHOLDER.fullmatch(value)


def _mixed(value: bytes) -> bool:
    head = value[:_PLACEHOLDER_BYTES]
    return _LETTERS_ONLY.fullmatch(head) is None and _DIGITS_ONLY.fullmatch(head) is None


def _no_word(value: bytes) -> bool:
    return not _LETTERS_ONLY.fullmatch(value[:_PLACEHOLDER_BYTES]) and _no_placeholder(value)


class RedactRule(Struct, frozen=True):
    """One kind of secret; without groups the whole match is the secret."""

    name: str
    pattern: bytes
    accept: Callable[[bytes], bool] = bool


# A terminal colour may stand between a key word and its value (grep --color); `tput sgr0` ends one
# by two escapes.
_COLOUR = rb"(?:\x1b(?:\[[0-9;:]*[mK]|\(B))*"
_IS = rb"\\?[\"']?[ \t]*" + _COLOUR + rb"[ \t]*(?:=>|:=|=|:)[ \t]*" + _COLOUR
# In quotes a value goes on behind an escaped one; in escaped quotes, as in JSON that stands in a
# string, behind one that is escaped twice.
_VALUE = (
    rb"(?:[ubf]?\"((?:[^\"\\\r\n]|\\[^\r\n])+)|[ubf]?'((?:[^'\\\r\n]|\\[^\r\n])+)"
    rb"|[ubf]?\\\"((?:\\\\\\\"|[^\"\r\n])+)|[ubf]?\\'([^'\r\n]+)"
    rb"|([^\s\"'<>,;&\x1b:=][^\s\"'<>,;&\x1b]*))"
)
_KEYS = (
    rb"passw(?:or)?d|passphrase|secret(?:[_-]?key)?|api[_-]?key|private[_-]?key"
    rb"|(?:access|api|auth|bearer|private|refresh|secret|session)[_-]?token"
    rb"|(?:github|gitlab|gh|job|npm|pypi|slack|vault)[_-]token"
    rb"|(?:admin|db|ftp|mysql|pg|root|smtp|user)_?pass"
)

DEFAULT_RULES = (
    RedactRule("aws-access-key-id", rb"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b"),
    RedactRule(
        "aws-secret-key",
        rb"(?i:aws_?secret_?(?:access_?)?key|secretaccesskey)"
        + _IS
        + rb"\\?[\"']?([A-Za-z0-9/+=]{40})",
    ),
    RedactRule(
        "aws-session-token",
        rb"(?i:aws_?(?:session|security)_?token)" + _IS + rb"\\?[\"']?([A-Za-z0-9/+=]{16,})",
    ),
    RedactRule(
        "azure-key",
        rb"(?i:accountkey|sharedaccesskey)=([A-Za-z0-9+/]{40,}={0,2})"
        rb"|[?&]sig=([A-Za-z0-9%+/=]{40,})",
    ),
    RedactRule("cloud-token", rb"\b(do[oprt]_v1_[a-f0-9]{40,}|LTAI[A-Za-z0-9]{16,26})\b"),
    RedactRule("github-token", rb"(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})"),
    RedactRule(
        "gitlab-token",
        rb"\b(gl(?:pat|dt|rt|rtr|ptt|cbt|ft|oas|soat|agent|imt|ffct)-[A-Za-z0-9_.-]{20,}"
        rb"|GR1348941[A-Za-z0-9_-]{20,})",
    ),
    RedactRule(
        "atlassian-token", rb"\b(ATBB[A-Za-z0-9]{28,}|AT(?:ATT|CTT|OATT)3[A-Za-z0-9_=-]{40,})"
    ),
    RedactRule("slack-token", rb"(xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,})"),
    RedactRule("slack-webhook", rb"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/_-]{20,})"),
    RedactRule(
        "chat-webhook",
        rb"discord(?:app)?\.com/api/webhooks/([0-9]{10,}/[A-Za-z0-9_-]{40,})"
        rb"|\.office\.com/webhook(?:b2)?/([A-Za-z0-9@/-]{40,})"
        rb"|/hooks/([a-z0-9]{26})\b",
        _mixed,
    ),
    RedactRule(
        "chat-token",
        # Discord's begins with a number in base64: few other words do, so few are followed far.
        rb"\b((?:[MNO][DTjz][AEIMQUYcgk][w-z0-5]){4}[A-Za-z0-9_-]{4,12}"
        rb"\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})|[0-9]:(AA[A-Za-z0-9_-]{33})\b",
    ),
    RedactRule(
        "service-token",
        rb"\b([sr]k_(?:live|test)_[A-Za-z0-9]{16,}|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"
        rb"|hf_[A-Za-z0-9]{30,}|sk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}|dckr_pat_[A-Za-z0-9_-]{20,}"
        rb"|hv[bs]\.[A-Za-z0-9_-]{24,}"
        rb"|rubygems_[a-f0-9]{40,}|AGE-SECRET-KEY-1[A-Z0-9]{50,})"
        rb"|\.atlasv1\.([A-Za-z0-9_-]{40,})",
        _mixed,
    ),
    RedactRule("npm-token", rb"(npm_[A-Za-z0-9]{36,})|_auth(?:Token)?[ \t]*=[ \t]*([^\s\"']{8,})"),
    RedactRule("pypi-token", rb"(pypi-Ag[A-Za-z0-9_-]{40,})"),
    RedactRule(
        "google-key",
        rb"\b(AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_-]{20,})",
    ),
    RedactRule("jwt", rb"\b(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"),
    RedactRule(
        "authorization",
        rb"(?i:authorization)"
        + _IS
        + rb"\\?[\"']?(?i:bearer|basic|token|digest|negotiate|apikey)[ \t]+([^\s\"'\x1b]{4,})"
        rb"|\b(?i:bearer)[ \t]+([A-Za-z0-9._~+/=-]{20,})",
        _no_placeholder,
    ),
    RedactRule(
        "url-password",
        rb"://[^\s/:@\"'<>]*:([^\s/@\"'<>]+)@",
        _no_placeholder,
    ),
    RedactRule(
        "url-token",
        rb"://([A-Za-z0-9_.-]{20,})@"
        rb"|[?&](?:auth|key|sig|signature|token)=([A-Za-z0-9._~%+/=-]{20,})",
        _mixed,
    ),
    # Not after a slash (/etc/passwd is a file) nor in sudo's NOPASSWD.
    RedactRule(
        "password", rb"(?:^|[^/O]|[^N]O)(?i:" + _KEYS + rb")" + _IS + _VALUE, _no_placeholder
    ),
    RedactRule(
        "password",
        rb"--(?:password|passwd|token|secret|api-key)[ \t]+[\"']?([^\s\"'-][^\s\"']{5,})",
        _no_word,
    ),
    RedactRule(
        "password",
        rb"\bcurl(?:[ \t]+-[^\s\"']+){0,6}[ \t]+(?:-u|--user)[ \t]+[\"']?[^\s:\"']+:([^\s\"']+)"
        rb"|\blogin[ \t]+\S+[ \t]+password[ \t]+(\S+)",
        _no_placeholder,
    ),
)
"""Where several begin at the same place the first of them wins."""

KEY_RULE = "private-key"
_KEY_NAME = rb"[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
KEY_BEGIN = rb"-{4,5} ?BEGIN " + _KEY_NAME + rb"|\bPrivate-Lines: [0-9]{1,3}\b"
"""PEM, OpenSSH, PGP, SSH2, and PuTTY's, whose key has no other first line."""
KEY_WORDS = (b"PRIVATE KEY", b"Private-Lines: ")
"""One of them stands in every first line of a key."""

_KEY_END = re.compile(rb"-{4,5} ?(END|BEGIN) " + _KEY_NAME + rb"|Private-(?:MAC|Hash):")
KEY_BYTES = 1 << 16
"""A private key is looked for so far after its first line."""

_KEY_RUN = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}|[A-Za-z0-9+/]{2,}={1,2}")
_LINE = re.compile(rb"[^\r\n]+")
_LINE_END = re.compile(rb"[\r\n]")
_MATCH_BYTES = 100
"""What ends a key, or tells that a line is of one, is no longer."""


class _Ahead:
    """Where a pattern matches next, asked from many places: no byte is searched twice for it."""

    def __init__(self, pattern: re.Pattern[bytes], content: bytes) -> None:
        self._pattern = pattern
        self._content = content
        self._from = self._clear = 0
        self._found: re.Match[bytes] | None = None

    def next(self, start: int, stop: int) -> re.Match[bytes] | None:
        """The first match that begins at `start` or later, and before `stop`."""
        if not self._from <= start <= self._clear:
            self._from = self._clear = start
            self._found = None
        if self._found is None and self._clear < stop:
            self._found = self._pattern.search(self._content, self._clear, stop + _MATCH_BYTES)
            self._clear = self._found.start() if self._found else stop
        return self._found if self._found and self._found.start() < stop else None


class KeyReader:
    """Reads the private keys in one text, from their first lines on.

    First lines cost little, however many stand one behind the other with no key between them.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._ends = _Ahead(_KEY_END, content)
        self._runs = _Ahead(_KEY_RUN, content)
        self._line_ends = _Ahead(_LINE_END, content)

    def block(self, start: int) -> Iterator[Edit]:
        """The inner lines of the private key whose first line ends at `start`, one edit each.

        Without its last line (a log that was cut) the key goes on as long as lines look like it.
        """
        stop = self._ends.next(start, start + KEY_BYTES)
        closed = stop is not None and stop[1] != b"BEGIN"
        end = stop.start() if stop else min(len(self._content), start + KEY_BYTES)
        if self._runs.next(start, end) is None and not (
            closed and self._line_ends.next(start, end)
        ):
            return
        for line in _LINE.finditer(self._content, start, end):
            looks_like_key = self._runs.next(line.start(), line.end()) is not None
            before_end = closed and line.end() == end
            if looks_like_key or (closed and not before_end and line[0].strip()):
                yield line.start(), line.end(), KEY_RULE
            elif not closed and line[0].strip():
                return


def own_rule(name: str, pattern: str) -> RedactRule:
    """A rule of the site's owner.

    Raises:
        ValueError: a bad name, or a pattern that RE2 refuses or that matches the empty text.
    """
    if not _RULE_NAME.fullmatch(name):
        raise ValueError(
            f"redact rule {name!r}: a name is 1–40 of a–z, 0–9, _ and -, no _ or - in front"
        )
    unnamed = _GROUP_NAME.sub("(", pattern).encode()
    try:
        compiled = compile_bytes(unnamed)
    except ValueError as error:
        raise ValueError(f"redact rule {name!r}: {error}") from None
    if compiled.search(b"") is not None:
        raise ValueError(f"redact rule {name!r}: it matches the empty text, so it masks nothing")
    return RedactRule(name, unnamed)


_RULE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
# Two rules may use one group name; in the joined expression it would stand twice.
_GROUP_NAME = re.compile(r"(?<!\\)\(\?P?<\w+>")
