"""unittest and the runners that write as it does (nose, stestr, Django)."""

from mtsite.logs.rule import ERROR, Rule
from mtsite.logs.shape import HARMLESS, On, family

_TEST = rb"[\w.\[\]-]+ \([\w.\[\]<> -]+\)"

RULES = (
    Rule(
        "unittest/expected",
        rb"\.\.\. (?:expected failure|unexpected success|skipped)|expected failures=",
        On(
            HARMLESS,
            rb"\.\.\. (?:expected failure|skipped .*)$|^OK \([^)]*expected failures=",
            even_calm=True,
        ),
        "A failure that was expected",
        "The test is marked so.",
    ),
    Rule(
        "unittest/failed",
        rb"^(?:FAIL|ERROR): |\.\.\. (?:FAIL|ERROR|FAILED|unexpected success)",
        On(
            ERROR,
            rb"^(?:FAIL|ERROR): (?:" + _TEST + rb"|(?:setUp|tearDown)(?:Class|Module) )"
            rb"|\.\.\. (?:FAIL|ERROR|FAILED|unexpected success)[ \t]*$",
        ),
        "A test failed (FAIL) or broke off (ERROR)",
        "FAIL is an assertion, ERROR any other exception; its traceback follows.",
    ),
    Rule(
        "unittest/summary",
        rb"^FAILED \(",
        On(ERROR, rb"^FAILED \((?:\w+(?: \w+)?=\d+(?:, )?)+\)"),
        "How many tests failed",
        "Each of them is named above.",
    ),
)

FAMILY = family("unittest", 1, RULES)
