"""Time-outs: what was ended because it took too long."""

from mtsite.logs.rule import ERROR, Rule
from mtsite.logs.shape import On, family

RULES = (
    Rule(
        "timeout/limit",
        rb"DUE TO TIME LIMIT|TERM_RUNLIMIT|=>> PBS: job killed: walltime",
        On(
            ERROR,
            rb"CANCELLED AT \S+ DUE TO TIME LIMIT|\bTERM_RUNLIMIT: |=>> PBS: job killed: walltime",
        ),
        "The batch system ended the job at its time limit",
        "Ask for more time, or find out what hangs: the lines above are the last signs of life.",
    ),
    Rule(
        "timeout/killed",
        rb"[Kk]illed after \d|timeout: sending signal|(?:[Tt]imeout|[Tt]ime limit) (?:exc|exp|rea)"
        rb"|^Timeout \(",
        On(
            ERROR,
            rb"\b[Kk]illed after \d+(?:\.\d+)? ?(?:s\b|sec|m\b|min|h\b|hour)"
            rb"|\btimeout: sending signal \w+ to command "
            rb"|\b(?:[Tt]est|[Jj]ob|[Ss]tep|[Cc]ommand|[Ss]imulation|[Pp]rocess|[Bb]uild)(?: \S+)? "
            rb"(?:[Tt]imeout|[Tt]ime limit) (?:exceeded|expired|reached)"
            rb"|^Timeout \(\d+:\d\d:\d\d\)!",
        ),
        "A program was ended because it took too long",
        "The lines above are its last signs of life.",
    ),
    Rule(
        "timeout/timed-out",
        rb"(?i:timed out)",
        On(
            ERROR,
            rb"\b(?i:test|command|simulation|step|job|process|task|build)(?: \S+)? timed out\b"
            rb"|(?:^|[:|>\]] )[Tt]imed out after \d|\btimed out after \d[\d.]* ?(?:s\b|sec|ms\b|min"
            rb"|m\b|hour|h\b)[^\r\n]*\b(?:kill|abort|giving up)",
        ),
        "Something timed out",
        "The line says what; the lines above are its last signs of life.",
    ),
)

FAMILY = family("timeout", 1, RULES)
