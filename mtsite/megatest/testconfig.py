"""testconfig → `TestDefinition`; which tests an area has, and where their testconfigs lie.

    roots = test_roots(area_path, config)            [tests-paths], then tests/
    list_tests(roots)                                testname → its testconfig, first hit wins
    read_test(name, path, terms) → TestConfig        the file as read, and what it says

`terms_of` makes the surroundings that Megatest would give to the files of one target.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mtsite.megatest import items
from mtsite.megatest.configfile import ConfigFile, read_on_terms, surroundings
from mtsite.megatest.grammar import Kind, Terms
from mtsite.model import TestDefinition

FILE_NAME = "testconfig"
CACHED_NAME = ".testconfig"
TESTS = "tests"
MOST_TESTS = 20_000

_MOST = 200
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


@dataclass(frozen=True)
class TestConfig:
    """One testconfig as it was read, and what it says."""

    __test__ = False

    name: str
    path: Path
    config: ConfigFile
    definition: TestDefinition


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
    """Read a testconfig; `terms` are those of its area and target."""
    config = read_on_terms(path, for_test(terms, name))
    return TestConfig(name, path, config, define_by(config))


def for_test(terms: Terms, name: str, given: Given | None = None) -> Terms:
    """The terms of an area and target for one of its tests."""
    environ = {**terms.environ, "MT_TEST_NAME": name}
    return replace(terms, environ=environ, given=terms.given if given is None else given)


def terms_of(
    path: Path, target: Sequence[str], given: Given, terms: Terms, read: "Reader" = read_on_terms
) -> Terms:
    """Terms for the testconfigs of a target: with the variables that the area's own files set.

    `terms` say what may be done; their environment is what is known besides. The result knows
    `[env-override]` of megatest.config and what runconfigs.config says for the target.
    """
    first = surroundings(path, (), (), terms.environ)
    own = _on(terms, "megatest", target, first, given)
    config = read(path / "megatest.config", own)
    fields = tuple(config.sections.get("fields", {}))
    around = surroundings(path, target, fields, config.environment)
    runconfigs = read(path / "runconfigs.config", _on(terms, "runconfigs", target, around, {}))
    environment = {
        **runconfigs.environment,
        "MT_TESTSUITENAME": config.get("setup", "area-name") or path.name,
    }
    return _on(terms, "testconfig", target, environment, {})


Reader = Callable[[Path, Terms], ConfigFile]


def _on(
    terms: Terms, kind: Kind, target: Sequence[str], environ: Mapping[str, str], given: Given
) -> Terms:
    values = tuple(target)
    if values:
        environ = {**environ, "MT_TARGET": "/".join(values)}
    return replace(terms, kind=kind, target=values, environ=environ, given=given)


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
    known = not any(name.startswith(("items.", "itemstable.")) for name, _ in unknown)
    paths, count = items.item_paths(span, table) if known else ((), 0)
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
        waiton=tuple(dict.fromkeys(map(_cut, _WORDS.findall(waiton)[:_MOST]))),
        requirements=_pairs({k: v for k, v in needs.items() if k not in {"waiton", "itemmap"}}),
        itemmap=tuple(mapped[:_MOST]),
        ezsteps=_pairs(sections.get("ezsteps", {})),
        iterated=bool(span or table),
        variables=_pairs({**span, **table}),
        items=paths,
        item_count=count,
        unknown=unknown[:_MOST],
    )


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
