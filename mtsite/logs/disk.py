"""Disks and file systems: full, over quota, read-only, broken, gone."""

from mtsite.logs.rule import CRITICAL, ERROR, Rule
from mtsite.logs.shape import On, family

RULES = (
    Rule(
        "disk/full",
        rb"[Nn]o space left on device|\bENOSPC\b|[Dd]isk (?:is )?full|not enough (?:disk )?space",
        On(
            CRITICAL,
            rb"[Nn]o space left on device|\bENOSPC\b|\b[Dd]isk (?:is )?full\b"
            rb"|\b[Nn]ot enough (?:free )?(?:disk )?space (?:on|in|left)",
        ),
        "A disk is full",
        "Look at `df` and `df -i` of the run disk and of /tmp on the host that ran it.",
    ),
    Rule(
        "disk/quota",
        rb"[Qq]uota exceeded|\bEDQUOT\b|over (?:disk )?quota",
        On(CRITICAL, rb"\b[Qq]uota exceeded\b|\bEDQUOT\b"),
        "Somebody's disk quota is used up",
        "`quota -s` of the user who ran it says how much there is.",
    ),
    Rule(
        "disk/read-only",
        rb"[Rr]ead-only file ?system|\bEROFS\b",
        On(ERROR, rb": [Rr]ead-only file ?system\b|\bEROFS\b"),
        "A file system that should be written is read-only",
        "A disk that had errors is often mounted so again: look at the host's kernel log.",
    ),
    Rule(
        "disk/broken",
        rb"Input/output error|I/O error, dev",
        On(ERROR, rb": Input/output error\b|\bI/O error, dev \w+"),
        "A disk or a network file system couldn't read or write",
        "Look at the host's kernel log.",
    ),
    Rule(
        "disk/stale",
        rb"Stale (?:NFS )?file handle|Transport endpoint is not connected",
        On(ERROR, rb": Stale (?:NFS )?file handle|: Transport endpoint is not connected"),
        "A network file system lost a file that was open",
        "The file was removed or the server restarted; often another try is enough.",
    ),
    Rule(
        "disk/files",
        rb"Too many open files|\bEMFILE\b",
        On(ERROR, rb": Too many open files\b|\bEMFILE\b"),
        "A program may not open more files",
        "`ulimit -n` of the job, or files that the program never closes.",
    ),
)

FAMILY = family("disk", 1, RULES)
