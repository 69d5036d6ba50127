"""testconfig → `TestDefinition`; which tests an area has, and where their testconfigs lie.

    roots = test_roots(area_path, config)            [tests-paths], then tests/
    list_tests(roots)                                testname → its testconfig, first hit wins
    read_test(name, path, terms) → TestConfig        the file as read, and what it says

`terms_of` makes the surroundings that Megatest would give to the files of one target.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from mtsite.megatest import items
from mtsite.megatest.configfile import ConfigFile, read_on_terms, surroundings
from mtsite.megatest.grammar import Terms
from mtsite.model import TestDefinition

FILE_NAME = "testconfig"
CACHED_NAME = ".testconfig"
RUNCONFIGS = "runconfigs.config"
TESTS = "tests"
MOST_TESTS = 20_000

_MOST = 200
_MOST_WAITED = 2_000
_TEXT = 2_000
_DESCRIPTION = 20_000
_SHOWN: tuple[tuple[str, str | None], ...] = (
    ("test_meta", None),
    ("setup", "runscript"),
    ("requirements", None),
    ("itemmap", None),
    ("ezsteps", None),
    ("items", None),
    ("itemstable", None),
)
"""What a definition is made of: (section, key); None stands for all keys."""

_WORDS = re.compile(r"[^ \t\n\v\f\r]+")

Sections = Mapping[str, Mapping[str, str]]
Given = Mapping[tuple[str, str], str]


class TestConfig(Struct, frozen=True):
    """One testconfig as it was read, and what it says."""

    __test__ = False

    name: str
    path: Path
    config: ConfigFile
    definition: TestDefinition

    @property
    def items_unknown(self) -> bool:
        """Whether the items take a value that isn't known."""
        return _needs_items(self.definition.unknown)

    @property
    def waiton_unknown(self) -> bool:
        """Whether what it waits for takes a value that isn't known."""
        return any(name == "requirements.waiton" for name, _ in self.definition.unknown)


def test_roots(area_path: Path, config: ConfigFile) -> tuple[Path, ...]:
    """Directories of tests in the order of search: those of [tests-paths], then tests/.

    A value that only a command could tell is left out, as is a directory that isn't there.
    """
    named = [
        area_path / value.strip()
        for key, value in config.sections.get("tests-paths", {}).items()
        if value.strip() and not config.is_unresolved("tests-paths", key)
    ]
    return tuple(path for path in (*named, area_path / TESTS) if _is_directory(path))


test_roots.__test__ = False  # type: ignore[attr-defined] # pytest must not collect it


def list_tests(roots: Sequence[Path]) -> dict[str, Path]:
    """Testname → its testconfig, by name; the first root that has a test wins."""
    found: dict[str, Path] = {}
    for root in roots:
        try:
            directories = sorted(root.iterdir())[:MOST_TESTS]
        except OSError:
            continue
        for directory in directories:
            if directory.name not in found and _is_there(directory / FILE_NAME):
                found[directory.name] = directory / FILE_NAME
    return dict(sorted(found.items()))


def read_test(name: str, path: Path, terms: Terms) -> TestConfig:
    """Read the testconfig of a test; `terms` are those that `for_test` made."""
    config = read_on_terms(path, terms)
    return TestConfig(name, path, config, define_by(config))


def for_test(terms: Terms, name: str, given: Given) -> Terms:
    """The terms of an area and target for one of its tests, whose values `given` stand in for."""
    return replace(terms, environ={**terms.environ, "MT_TEST_NAME": name}, given=given)


Reader = Callable[[Path, Terms], ConfigFile]


def terms_of(
    target: Sequence[str], given: Given, terms: Terms, read: Reader = read_on_terms
) -> Terms:
    """Terms for the testconfigs of a target: with the variables that the area's own files set.

    `terms` say what may be done; their environment is what is known besides. The result knows
    `[env-override]` of megatest.config and what runconfigs.config says for the target. `given`
    stand in for values of megatest.config.
    """
    before = runconfigs_terms(target, given, terms, read)
    runconfigs = read(terms.area_path / RUNCONFIGS, before)
    return replace(before, kind="testconfig", environ=runconfigs.environment)


def runconfigs_terms(
    target: Sequence[str], given: Given, terms: Terms, read: Reader = read_on_terms
) -> Terms:
    """Terms for runconfigs.config: with what megatest.config puts into the environment."""
    path, values = terms.area_path, tuple(target)
    around = surroundings(path, (), (), terms.environ)
    if values:
        around["MT_TARGET"] = "/".join(values)
    own = replace(terms, kind="megatest", target=values, environ=around, given=given)
    config = read(path / "megatest.config", own)
    around = surroundings(
        path, values, tuple(config.sections.get("fields", {})), config.environment
    )
    around.setdefault("MT_TESTSUITENAME", config.get("setup", "area-name") or path.name)
    return replace(own, kind="runconfigs", environ=around, given={})


def define_by(config: ConfigFile) -> TestDefinition:
    """What a testconfig that was read says."""
    return define(config.sections, config.unresolved_form)


def define(
    sections: Sections, unresolved: Callable[[str, str], str] = lambda _section, _key: ""
) -> TestDefinition:
    """What the sections of a testconfig say; `unresolved` names the form that a value needs."""
    meta = sections.get("test_meta", {})
    needs = {name: text for name, text in sections.get("requirements", {}).items() if text.strip()}
    span, table = sections.get("items", {}), sections.get("itemstable", {})
    unknown = tuple(
        (f"{section}.{key}", form)
        for section, only in _SHOWN
        for key in sections.get(section, {})
        if only in (None, key) and (form := unresolved(section, key))
    )
    paths, count = ((), 0) if _needs_items(unknown) else items.item_paths(span, table)
    mapped = [(name, _cut(text)) for name, text in sections.get("itemmap", {}).items()]
    if "itemmap" in needs:
        mapped.insert(0, ("", _cut(needs["itemmap"])))
    waiton = "" if unresolved("requirements", "waiton") else needs.get("waiton", "")
    return TestDefinition(
        author=_cut(meta.get("author", "")),
        owner=_cut(meta.get("owner", "")),
        description=_cut(meta.get("description", ""), _DESCRIPTION),
        reviewed=_cut(meta.get("reviewed", "")),
        tags=tuple(_words(meta.get("tags", ""), ",")),
        jobgroup=_cut(meta.get("jobgroup", "")),
        runscript=_cut(sections.get("setup", {}).get("runscript", "")),
        waiton=tuple(dict.fromkeys(map(_cut, _WORDS.findall(waiton)[:_MOST_WAITED]))),
        requirements=_pairs({k: v for k, v in needs.items() if k not in {"waiton", "itemmap"}}),
        itemmap=tuple(mapped[:_MOST]),
        ezsteps=_pairs(sections.get("ezsteps", {})),
        iterated=bool(span or table),
        variables=_pairs({**span, **table}),
        items=paths,
        item_count=count,
        unknown=unknown[:_MOST],
    )


def _needs_items(unknown: Sequence[tuple[str, str]]) -> bool:
    return any(name.startswith(("items.", "itemstable.")) for name, _ in unknown)


def _pairs(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((_cut(name), _cut(text)) for name, text in list(values.items())[:_MOST])


def _words(text: str, border: str) -> list[str]:
    return [_cut(part) for part in text.split(border)[:_MOST] if part.strip()]


def _cut(text: str, most: int = _TEXT) -> str:
    text = text.strip()
    return text if len(text) <= most else f"{text[:most]} … (cut)"


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
