"""The tests that an area's files describe: items, what waits for what, or why that isn't known."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from mtsite.config import AreaConfig
from mtsite.megatest import expand
from mtsite.megatest.configfile import ConfigFile
from mtsite.megatest.configuration import Configuration, given_values, stand_in
from mtsite.megatest.grammar import Terms
from mtsite.megatest.lines import printable
from mtsite.megatest.testconfig import (
    TestConfig,
    for_test,
    list_tests,
    read_test,
    terms_of,
    test_roots,
)

_NEEDED = ("items.", "itemstable.", "requirements.waiton")


class SurveyedTest(Struct, frozen=True):
    """One test of an area; `problems` say what of it is not known, where and why."""

    read: TestConfig
    problems: tuple[str, ...]


def survey(
    settings: AreaConfig,
    configuration: Configuration,
    environ: Mapping[str, str],
    target: Sequence[str] = (),
) -> list[SurveyedTest]:
    """Read the testconfig of every test, by name; with a target, as for that target.

    Commands run only where the area allows it. A variable of the environment that isn't set here
    is unknown: Megatest would set many more.
    """
    terms = area_terms(settings, configuration, environ, target)
    found = list_tests(test_roots(configuration.path, configuration.config))
    surveyed = []
    for name, file in found.items():
        given = given_values(settings.tests.get(name, {}))
        read = read_test(name, file, for_test(terms, name, given))
        keys = () if target else configuration.fields
        surveyed.append(SurveyedTest(read, tuple(_problems(settings.name, read, found, keys))))
    return surveyed


def area_terms(
    settings: AreaConfig,
    configuration: Configuration,
    environ: Mapping[str, str],
    target: Sequence[str],
) -> Terms:
    """On what terms testconfigs of the area are read for its owner."""
    first = Terms(
        kind="testconfig",
        area_path=configuration.path,
        target=(),
        environ=environ,
        allow_commands=settings.run_configured_commands,
        closed=True,
    )
    return terms_of(target, given_values(settings.values), first)


def missing_includes(config: ConfigFile) -> list[str]:
    """Each include that isn't there, with its place; Megatest passes over them silently."""
    return [
        printable(f"{path}:{line}: includes {include}, which isn't there")
        for (path, line), include in config.missing
    ]


def unknown_roots(area_name: str, config: ConfigFile) -> list[str]:
    """Each [tests-paths] that isn't known: the tests below it are not listed."""
    problems = []
    for key in config.sections.get("tests-paths", {}):
        if form := config.unresolved_form("tests-paths", key):
            file, line = config.where("tests-paths", key)
            hint = stand_in(area_name, "tests-paths", key)
            why = expand.why_unknown(form)
            problems.append(printable(f"{file}:{line}: [tests-paths] {key} {why}; {hint}"))
    return problems


def _problems(
    area_name: str, read: TestConfig, tests: Mapping[str, object], keys: Sequence[str]
) -> list[str]:
    problems = [*read.config.problems, *missing_includes(read.config)]
    for name, form in read.definition.unknown:
        if name.startswith(_NEEDED):
            section, _, key = name.partition(".")
            file, line = read.config.where(section, key)
            why = expand.why_unknown(form)
            hint = stand_in(area_name, section, key, test=read.name)
            if form.split(maxsplit=1)[-1] in keys:
                hint = "it is a key: ask with --target"
            problems.append(f"{file}:{line}: [{section}] {key} {why}; {hint}")
    if read.definition.iterated and not read.definition.item_count and not problems:
        problems.append(f"{read.path}: items without a value: Megatest would make none")
    file, line = read.config.where("requirements", "waiton")
    strangers = [name for name in read.definition.waiton if name not in tests]
    problems += [f"{file}:{line}: waits for {name}, no test of this area" for name in strangers]
    return [printable(problem) for problem in problems]
