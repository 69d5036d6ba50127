"""One test of a run as lists and filters know it: where it is, how it went, what marks it. Pure."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from mtsite import urls
from mtsite.comparison import is_slower
from mtsite.model import Run, RunFacts, RunRecord, Test, TestFacts, TestName
from mtsite.pages import words

KNOWN = "known"
_NO_FACTS = TestFacts()


class Entry(Struct, frozen=True):
    """A counted test; `href` leads from the run's page to its own.

    `change` is new, still, fixed, known or ''; `flags` some of item, flaky, slow, archived and
    differs. `host` and `tags` (joined by commas) are '' where nothing is known.
    """

    index: int
    testname: str
    item_path: str
    letter: str
    href: str
    change: str
    flags: str
    host: str
    tags: str
    took: str


def entries(
    run: Run,
    letters: Sequence[str],
    kept: tuple[RunRecord, RunFacts],
    differing: Collection[int],
    known: Collection[TestName] = (),
) -> list[Entry]:
    """The counted tests of a run in their order; `differing` are those whose sources differ.

    Those that went wrong as annotations know (`known`) are neither new nor still.
    """
    record, facts = kept
    path = urls.run_page(run.key)
    tags = _tags(run, record)
    return [
        Entry(
            i,
            test.testname,
            test.item_path,
            letters[i],
            urls.relative(path, urls.test_page(run.key, test.name)),
            KNOWN if test.name in known else past.change,
            _flags(test, past, i in differing),
            "" if test.host == "n/a" else test.host,
            tags.get(test.testname, ""),
            words.took(test),
        )
        for i, test, past in _counted(run, facts)
    ]


def state_word(letter: str) -> str:
    """A verdict as filters write it: 'fail', 'not-run'."""
    return words.mark(letter)[2].replace(" ", "-")


def _counted(run: Run, facts: RunFacts) -> list[tuple[int, Test, TestFacts]]:
    known = facts.tests
    return [
        (i, test, known.get(test.name, _NO_FACTS))
        for i, test in enumerate(run.tests)
        if not test.toplevel
    ]


def _flags(test: Test, past: TestFacts, differs: bool) -> str:
    found = (
        ("item", bool(test.item_path)),
        ("flaky", past.flaky),
        ("slow", is_slower(test.run_duration, past.usual)),
        ("archived", test.archived > 0),
        ("differs", differs),
    )
    return " ".join([flag for flag, there in found if there])


def _tags(run: Run, record: RunRecord) -> dict[str, str]:
    """Testname → its tags: what test_meta says, else the testconfig."""
    found = {name: said.tags for name, said in record.definitions.items() if said.tags}
    found |= {name: meta.tags for name, meta in run.meta.items() if meta.tags}
    return {name: ",".join(tag.replace(",", " ") for tag in tags) for name, tags in found.items()}


def dimmed(name: str) -> tuple[str, str]:
    """A test's name as (what its group shares, the rest): 'pcie_', 'retry_smoke'."""
    shared = words.prefix(name)
    if shared == name:
        return "", name
    return name[: len(shared) + 1], name[len(shared) + 1 :]


def gone_names(record: RunRecord, run: Run) -> tuple[TestName, ...]:
    """Tests that had pages once and have no rows any more, in order."""
    present = {test.name for test in run.tests}
    return tuple(
        name for name, kept in sorted(record.tests.items()) if kept.gone and name not in present
    )
