"""Logs: from a file that anyone may have written to redacted text, numbered lines and findings.

    source    open a log without ever blocking, up to a cap; bytes → numbered lines (one splitter)
    redact    mask secrets before the first copy is made; the number of lines stays
    scan      one pass over the whole buffer for the hints of all rules, exact rules on those lines
    take      read → redact → digest → scan: one log as a record and the bytes to store

Never: follow a link, read anything but a regular file, hold more than the cap, raise for what a
log contains. Line numbers count from 1 everywhere and mean the same in scanner, page and anchor.

Dialects judge logs of one kind alone, with a pass of their own over the lines that a hint chooses
(`chosen`): `migration`, `mozharness`, `errorsummary`, `logpro`. Facts are tables on pages.

Open `take.py` first; `severity.py` is the family of rules to copy for a new one; `ansi.py` turns
terminal colours into classes of `static/css/ansi.css`, which `palette.py` writes.
"""
