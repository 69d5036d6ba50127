"""What testconfigs say of the tests of one run, as its pages show it: read once, secrets masked.

First choice is what lies in the run directory, which was in force: Megatest's cached parse, then
the testconfig itself. Else the area's own testconfig as it is now. No command runs, no variable of
whoever builds is looked at, and no file outside the area and the run directory is included: what
is said here is published.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from mtsite.build.masked import redactor_of
from mtsite.config import RedactConfig
from mtsite.logs.redact import Redactor
from mtsite.logs.redact_definition import masked_definition
from mtsite.megatest import linktree
from mtsite.megatest.configfile import ConfigFile
from mtsite.megatest.configuration import given_values
from mtsite.megatest.grammar import Terms
from mtsite.megatest.lines import read_regular
from mtsite.megatest.linktree import AreaPlace
from mtsite.megatest.memory import MOST, Memory
from mtsite.megatest.scheme import read_cached
from mtsite.megatest.testconfig import (
    CACHED_NAME,
    FILE_NAME,
    define,
    define_by,
    for_test,
    terms_of,
)
from mtsite.model import Run, RunRecord, Test, TestDefinition

MOST_DIRECTORIES = 2
"""Run directories of one test that are looked into before the area's own testconfig is read."""


class _Around(Struct, frozen=True):
    """What all tests of one run share."""

    run: Run
    place: AreaPlace
    roots: linktree.Roots
    terms: Terms


class DefinitionReader:
    """Reads definitions run by run; equal files are parsed once."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._files: Memory[ConfigFile] = Memory(lambda config: config, whole=True)
        self._tests: Memory[TestDefinition] = Memory(self._of_config)
        self._cached: OrderedDict[bytes, TestDefinition | None] = OrderedDict()

    def read_run(
        self, run: Run, old: RunRecord, place: AreaPlace, roots: linktree.Roots
    ) -> dict[str, TestDefinition]:
        """By testname. What an earlier build took from a run directory that is gone now stays."""
        around = _Around(run, place, roots, self._terms(run, place, roots))
        kept = self.masked(old.definitions)
        found = {}
        for name, tests in groupby(run.tests, key=lambda test: test.testname):
            before = kept.get(name)
            said = self._in_force(around, name, list(tests))
            if said is None and before is not None and before.source == TestDefinition.RUN:
                said = before
            said = said or self._of_area(around, name) or before
            if said is not None:
                found[name] = said
        return found

    def masked(self, definitions: Mapping[str, TestDefinition]) -> dict[str, TestDefinition]:
        """Definitions that were taken earlier, by the rules of now."""
        return {name: masked_definition(said, self._redactor) for name, said in definitions.items()}

    def _terms(self, run: Run, place: AreaPlace, roots: linktree.Roots) -> Terms:
        first = Terms(
            kind="testconfig",
            area_path=place.path,
            target=(),
            environ={},
            roots=tuple(map(Path, roots.readable)),
            closed=True,
        )
        terms = terms_of(run.key.target, given_values(place.values), first, self._files.read)
        environ = {
            **terms.environ,
            **dict(zip(run.keys, run.key.target, strict=False)),
            "MT_RUNNAME": run.key.runname,
            "MT_LINKTREE": roots.linktree,
        }
        return replace(terms, environ=environ)

    def _in_force(self, around: _Around, name: str, tests: Sequence[Test]) -> TestDefinition | None:
        for test in _that_ran(tests):
            files = linktree.find_files(
                around.roots, around.run.key, test, (CACHED_NAME, FILE_NAME)
            )
            said = None
            if CACHED_NAME in files:
                said = self._of_cached(files[CACHED_NAME])
            if said is None and FILE_NAME in files:
                said = self._of_file(around, name, files[FILE_NAME])
            if said is not None:
                return replace(said, source=TestDefinition.RUN)
        return None

    def _of_area(self, around: _Around, name: str) -> TestDefinition | None:
        if name in {"", ".", ".."} or "/" in name or "\0" in name:
            return None
        for root in around.place.tests:
            path = root / name / FILE_NAME
            if linktree.is_regular_inside(path, (str(path.parent), *around.roots.readable)):
                said = self._of_file(around, name, path)
                return replace(said, source=TestDefinition.AREA)
        return None

    def _of_file(self, around: _Around, name: str, path: Path) -> TestDefinition:
        terms = for_test(around.terms, name, given_values(around.place.given.get(name, {})))
        roots = (*(terms.roots or ()), path.parent)
        return self._tests.read(path, replace(terms, roots=roots))

    def _of_config(self, config: ConfigFile) -> TestDefinition:
        return masked_definition(define_by(config), self._redactor)

    def _of_cached(self, path: Path) -> TestDefinition | None:
        try:
            raw = read_regular(path)
        except (OSError, ValueError):
            return None
        if raw not in self._cached:
            self._cached[raw] = self._parse_cached(raw)
            if len(self._cached) > MOST:
                self._cached.popitem(last=False)
        return self._cached[raw]

    def _parse_cached(self, raw: bytes) -> TestDefinition | None:
        try:
            sections = read_cached(raw.decode("utf-8", "surrogateescape"))
        except ValueError:
            return None
        return masked_definition(define(sections), self._redactor)


@lru_cache(maxsize=4)
def definition_reader(redact: RedactConfig) -> DefinitionReader:
    """The reader of this process for these rules; it remembers from run to run."""
    return DefinitionReader(redactor_of(redact))


def _that_ran(tests: Sequence[Test]) -> Iterator[Test]:
    """A few rows of one test that may have a run directory, plain tests and items alike."""
    ran = (test for test in tests if not test.toplevel and test.state != "NOT_STARTED")
    for _, test in zip(range(MOST_DIRECTORIES), ran, strict=False):
        yield test
