"""Every value of an area's own files that is in effect, with the place that it comes from."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtsite.config import AreaConfig
from mtsite.errors import MissingError
from mtsite.megatest.configfile import ConfigFile, read_on_terms
from mtsite.megatest.configuration import given_values, read_configuration
from mtsite.megatest.expand import why_unknown
from mtsite.megatest.survey import area_terms, missing_includes
from mtsite.megatest.testconfig import (
    RUNCONFIGS,
    for_test,
    list_tests,
    read_test,
    runconfigs_terms,
    test_roots,
)


class EffectiveValue(Struct, frozen=True):
    """One value with its place (file:line), the places of those it replaced, why it is unknown.

    `given` is the key of mtsite.toml that stands in for it, '' where none does.
    """

    section: str
    key: str
    text: str
    origin: str
    replaced: tuple[str, ...] = ()
    unknown: str = ""
    given: tuple[str, ...] = ()


class EffectiveValues(Struct, frozen=True):
    """All values of some files; `problems` are what is wrong with the files."""

    values: tuple[EffectiveValue, ...]
    problems: tuple[str, ...]


def of_area(
    settings: AreaConfig, environ: Mapping[str, str], target: Sequence[str] = ()
) -> EffectiveValues:
    """What megatest.config says; with a target, also what runconfigs.config says for it.

    Raises:
        MissingError: there is no such area.
        AreaUnreadableError: no megatest.config, or one that can't be read.
    """
    configuration = read_configuration(settings, environ, target)
    own = _of(configuration.config, ("values",), configuration.config.sections)
    if not target:
        return own
    first = replace(area_terms(settings, configuration, environ, ()), closed=False)
    terms = runconfigs_terms(target, given_values(settings.values), first)
    read = read_on_terms(configuration.path / RUNCONFIGS, terms)
    chosen = [name for name in ("default", "/".join(target)) if name in read.sections]
    said = _of(read, (), chosen)
    return EffectiveValues((*own.values, *said.values), (*own.problems, *said.problems))


def of_test(
    settings: AreaConfig, environ: Mapping[str, str], target: Sequence[str], test: str
) -> EffectiveValues:
    """What the testconfig of one test says, as for a target.

    Raises:
        MissingError: there is no such area, or no such test in it.
        AreaUnreadableError: no megatest.config, or one that can't be read.
    """
    configuration = read_configuration(settings, environ)
    found = list_tests(test_roots(configuration.path, configuration.config))
    if test not in found:
        raise MissingError(
            f"area {settings.name} has no test {test}", f"mtsite area show {settings.name}"
        )
    terms = area_terms(settings, configuration, environ, target)
    given = given_values(settings.tests.get(test, {}))
    read = read_test(test, found[test], for_test(terms, test, given)).config
    return _of(read, ("tests", test), read.sections)


def _of(
    config: ConfigFile, table: tuple[str, ...], sections: Sequence[str] | Mapping[str, object]
) -> EffectiveValues:
    values = []
    for section in sections:
        for key, text in config.sections[section].items():
            path, line = config.where(section, key)
            form = config.unresolved_form(section, key)
            value = EffectiveValue(
                section=section,
                key=key,
                text=text,
                origin=f"{path}:{line}",
                replaced=tuple(f"{p}:{n}" for p, n in config.places(section, key)[:-1]),
                unknown=why_unknown(form) if form else "",
                given=(*table, section, key) if (section, key) in config.given else (),
            )
            values.append(value)
    return EffectiveValues(tuple(values), (*config.problems, *missing_includes(config)))
