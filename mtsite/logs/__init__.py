"""Logs: from a file that anyone may have written to redacted text, numbered lines and findings.

    opened, unpack   open a log without ever blocking, up to a cap; gzip, xz, zstandard as streams
    source           bytes → numbered lines: one splitter for scanner, pages and anchors
    redact, masking  mask secrets before the first copy is made, in blocks; lines stay lines
    scan, levels     one pass for the hints of all rules, dialects; the level of each line
    families         the ordered table of families, and those of other packages
    take             read → redact → digest → store → judge: one log as a record and a blob

Never: follow a link, read anything but a regular file, hold more than the cap, raise for what a
log contains. Line numbers count from 1 everywhere and mean the same in scanner, page and anchor.

Dialects judge logs of one kind alone, with a pass of their own over the lines that a hint chooses
(`chosen`): `migration`, `mozharness`, `errorsummary`, `logpro`. Facts are tables on pages.

Open `take.py` first; `disk.py` is the family of rules to copy for a new one; `ansi.py` turns
terminal colours into classes of `static/css/ansi.css`, which `palette.py` writes.
"""
