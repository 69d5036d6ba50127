"""The linker, when it makes a program and when a program starts."""

from mtsite.logs.rule import ERROR, WARNING, Rule
from mtsite.logs.shape import BEGIN, On, family

_LD = rb"(?:[\w./+-]*[/-])?(?:ld(?:\.(?:lld|gold|bfd|mold))?|lld(?:-link)?|mold|link)(?:\.exe)?: "

RULES = (
    Rule(
        "linker/undefined",
        rb"undefined reference to|[Uu]ndefined symbols?\b|unresolved external symbol",
        On(
            ERROR,
            rb"undefined reference to|error: undefined symbol: |Undefined symbols for architecture"
            rb"|unresolved external symbol",
        ),
        "Something is used that no linked file defines",
        "An object or library is missing from the link, stands before its users, or was built for "
        "another interface.",
    ),
    Rule(
        "linker/duplicate",
        rb"multiple definition of|duplicate symbol",
        On(ERROR, rb"multiple definition of|\bduplicate symbols?\b[^\r\n]*(?: in:|: )"),
        "Something is defined twice",
        "Two objects define one name: a definition in a header, or one file linked twice.",
    ),
    Rule(
        "linker/missing",
        rb"cannot find -l|library not found for|unable to find library|LNK1104",
        On(
            ERROR,
            rb"cannot find -l|library not found for -l|unable to find library -l|error LNK1104: ",
        ),
        "A library is not there",
        "Install it, or give the directory that it lies in (-L).",
    ),
    Rule(
        "linker/start",
        rb"error while loading shared|symbol lookup error|Library not loaded",
        On(
            ERROR,
            rb"error while loading shared libraries: |: symbol lookup error: "
            rb"|Library not loaded: ",
        ),
        "A program can't start: a shared library is missing or another one",
        "Look at LD_LIBRARY_PATH and at what `ldd` says of the program on the host that ran it.",
    ),
    Rule(
        "linker/failed",
        rb"ld returned \d|linker command failed|final link failed|fatal error LNK",
        On(
            ERROR,
            rb"\bld returned [1-9]\d* exit status|linker command failed with exit code"
            rb"|final link failed|fatal error LNK\d+",
        ),
        "The link failed",
        "The lines above say why.",
    ),
    Rule(
        "linker/error",
        rb"\b(?:l?ld(?:\.\w+|-link)?|mold|link)(?:\.exe)?: (?:fatal )?error",
        On(ERROR, BEGIN + _LD + rb"(?:fatal )?error"),
        "The linker refuses",
        "The line says which file and why.",
    ),
    Rule(
        "linker/warning",
        rb"\b(?:l?ld(?:\.\w+|-link)?|mold|link)(?:\.exe)?: warning",
        On(WARNING, BEGIN + _LD + rb"warning", even_calm=True),
        "The linker warns",
        "The program was linked.",
    ),
)

FAMILY = family("linker", 1, RULES)
