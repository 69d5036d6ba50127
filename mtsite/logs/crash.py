"""Programs that died: by a signal, for lack of memory, by their own check of the heap."""

from mtsite.logs.rule import CRITICAL, ERROR, Rule, Window
from mtsite.logs.shape import BEGIN, On, family
from mtsite.regex import compile_bytes

_WHAT = compile_bytes(rb"^ +what\(\): ")


def what(window: Window, width: int) -> int:
    """The line in which C++ says what was thrown, if it follows."""
    return sum(bool(_WHAT.search(line)) for line in window.following(1))


# bash: `./run.sh: line 12:  4711 Bus error   ./sim`; also alone on a line.
_SHELL = rb"(?:: line \d+: +\d+ |^)"

RULES = (
    Rule(
        "crash/segfault",
        rb"[Ss]egmentation (?:fault|violation)|\bSIGSEGV\b|segfault at ",
        On(
            CRITICAL,
            rb"[Ss]egmentation fault|segmentation violation|\bSIGSEGV\b"
            rb"|\bsegfault at [0-9a-f]+ ip ",
        ),
        "A program used memory that isn't its own",
        "Run it in a debugger or with -fsanitize=address; a core file shows the stack.",
    ),
    Rule(
        "crash/memory",
        rb"[Oo]ut [Oo]f [Mm]emory|oom-kill|bad_alloc|OutOfMemoryError|Cannot allocate memory"
        rb"|TERM_MEMLIMIT|OUT_OF_MEMORY|oom_kill",
        On(
            CRITICAL,
            rb"\b[Oo]ut of memory\b|\boom-kill|\boom_kill event|\bstd::bad_alloc\b"
            rb"|\bjava\.lang\.OutOfMemoryError\b|heap out of memory|: Cannot allocate memory"
            rb"|\bTERM_MEMLIMIT: |\bSTATE=OUT_OF_MEMORY\b",
            what,
        ),
        "There was not enough memory",
        "On this host, or within the limit of the job: ask for more, or run less side by side.",
    ),
    Rule(
        "crash/heap",
        rb"stack smashing detected|buffer overflow detected|double free|free\(\): |malloc\(\): "
        rb"|munmap_chunk|corrupted size|corrupted double-linked",
        On(
            CRITICAL,
            rb"\*\*\* (?:stack smashing|buffer overflow) detected|double free or corruption"
            rb"|\bdouble free detected|\bfree\(\): (?:invalid|double)"
            rb"|\bmalloc\(\): (?:invalid|corrupt|memory corruption|unaligned|unsorted|mismatching)"
            rb"|munmap_chunk\(\): invalid"
            rb"|corrupted size vs\. prev_size|corrupted double-linked list",
        ),
        "A program overwrote its own memory",
        "The damage was done earlier: run with -fsanitize=address or in Valgrind.",
    ),
    Rule(
        "crash/terminate",
        rb"terminate called |terminating (?:due to|with) uncaught|pure virtual method called",
        On(
            CRITICAL,
            rb"terminate called (?:after throwing|without an active)"
            rb"|terminating (?:due to|with) uncaught exception|\bpure virtual method called",
            what,
            told=1,
        ),
        "A C++ program ended by an exception that nobody caught",
        "The line below it (what) says which.",
    ),
    Rule(
        "crash/kernel",
        rb"Kernel panic|BUG: unable to handle|general protection fault",
        On(
            CRITICAL,
            rb"\bKernel panic\b|\bBUG: unable to handle |\bgeneral protection fault(?:,|:| ip)",
        ),
        "The kernel of the machine broke down",
        "Look at its console; hardware, a driver or a simulated machine's image.",
    ),
    Rule(
        "crash/signal",
        rb"core dumped|\bSIG(?:ABRT|BUS|ILL|FPE|TRAP|SYS)\b|by signal|on signal|Bus error"
        rb"|Illegal instruction|Floating point exception",
        On(
            CRITICAL,
            rb"\bcore dumped\b|\bSIG(?:ABRT|BUS|ILL|FPE)\b"
            rb"|\b(?:killed|terminated|died|exited|crashed) (?:by|with|on|due to) signal:? ?"
            rb"(?:4|6|7|8|11)\b"
            rb"|"
            + _SHELL
            + rb"(?:Bus error|Illegal instruction|Floating point exception|Aborted)\b",
        ),
        "A program was ended by a signal of its own making",
        "6 is abort(), 11 a bad address, 8 an arithmetic fault, 4 an illegal instruction.",
    ),
    Rule(
        "crash/killed",
        rb"\bKilled\b|[Kk]illed by signal|terminated by signal|exit(?:ed)?\b.*\b137\b"
        rb"|signal: killed",
        On(
            ERROR,
            _SHELL + rb"Killed[ \t]*(?:$|\r|\(|  )|(?:^|[ \t])Killed[ \t]*(?:$|\r|\()"
            rb"|\b(?:[Kk]illed|terminated) by signal:? ?(?:9|15|\(?SIG(?:KILL|TERM))\b"
            rb"|\bexit(?:ed with)? (?:code|status):? 137\b|\bsignal: killed\b",
        ),
        "A program was killed from outside",
        "By the kernel for lack of memory, by a launcher for its limits, or by a person: look at "
        "the host's log and at the limits of the job.",
    ),
    Rule(
        "crash/rust-panic",
        rb"' panicked at ",
        On(ERROR, BEGIN + rb"(thread '[^']*'(?: \(\d+\))? panicked at )", lambda w, _: 1, told=1),
        "A Rust thread panicked",
        "RUST_BACKTRACE=1 shows the way there.",
    ),
    Rule(
        "crash/assertion",
        rb"[Aa]ssert",
        On(
            ERROR,
            rb": Assertion [`'][^\r\n]*' failed"
            rb"|\bAssertion failed: (?:\(|[^\r\n]*, file )",
        ),
        "A program's own assertion failed",
        "File, line and condition stand on the line.",
    ),
)

FAMILY = family("crash", 1, RULES)
