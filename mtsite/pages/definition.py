"""What the author of a test says of it: test_meta's columns first, then its testconfig."""

from collections.abc import Sequence

from msgspec.structs import replace

from mtsite.megatest.expand import why_unknown
from mtsite.model import Run, Test, TestDefinition, TestMeta
from mtsite.pages.place import RunPlace

MAX_STEPS = 50
MAX_MISSING = 100
_SOURCES = {
    TestDefinition.RUN: "As its testconfig said when it ran.",
    TestDefinition.AREA: "From the area's testconfig as it was when the run was read:"
    " its run directory held none.",
    "": "From the area's table of tests.",
}


def merged(definition: TestDefinition | None, meta: TestMeta | None) -> TestDefinition | None:
    """A definition in which the values of test_meta stand, where it has one; None without both."""
    if definition is None and meta is None:
        return None
    said = definition or TestDefinition()
    if meta is None:
        return said
    return replace(
        said,
        author=meta.author or said.author,
        owner=meta.owner or said.owner,
        description=meta.description or said.description,
        reviewed=meta.reviewed or said.reviewed,
        tags=meta.tags or said.tags,
        jobgroup=meta.jobgroup or said.jobgroup,
    )


def shown(place: RunPlace, test: Test) -> dict[str, object] | None:
    """The part of a test's page that says what it is; None where nobody said anything."""
    said = merged(place.definitions.get(test.testname), place.run.meta.get(test.testname))
    if said is None or said == TestDefinition(source=said.source):
        return None
    people = [("owner", said.owner), ("author", said.author), ("reviewed", said.reviewed)]
    people += [("job group", said.jobgroup), ("script", said.runscript), *said.requirements]
    missing = not_made(said, place.run, test.testname) if test.toplevel else ()
    return {
        "description": place.html_of(said.description),
        "pairs": tuple((label, value) for label, value in people if value and value != "n/a"),
        "tags": said.tags,
        "itemmap": said.itemmap,
        "steps": said.ezsteps[:MAX_STEPS],
        "steps_total": len(said.ezsteps),
        "variables": said.variables,
        "items_total": "not known" if _needs_more(said) else said.item_count,
        "missing": missing[:MAX_MISSING],
        "missing_total": len(missing),
        "unknown": tuple((name, why_unknown(form)) for name, form in said.unknown),
        "source": _SOURCES[said.source],
    }


def _needs_more(said: TestDefinition) -> bool:
    return any(name.startswith(("items.", "itemstable.")) for name, _ in said.unknown)


def not_made(said: TestDefinition, run: Run, testname: str) -> Sequence[str]:
    """Items of a definition that have no row in the run; none where it doesn't list them all."""
    if len(said.items) != said.item_count:
        return ()
    there = {test.item_path for test in run.tests if test.testname == testname}
    return tuple(item for item in said.items if item not in there)
