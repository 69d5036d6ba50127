"""megatest.config, runconfigs.config and testconfig as Megatest reads them, without Megatest.

The rules are those of Megatest 1.65 (docs/configuration.md says where reading for a report has
to differ): `grammar.py` has the lines and sections, `expand.py` the `#{…}` forms. Nothing in such
a file can make the reader raise: what makes no sense becomes a problem with its file and line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from mtsite.megatest.grammar import Kind, Parse, Place, Terms


@dataclass(frozen=True)
class ConfigFile:
    """What was read: section → key → value, in Megatest's order, with the place of each value.

    Values are the text of the file; what Megatest would put into the environment for them (the
    sections that it passes through a shell) is in `environment`. `found` is False when the file
    itself could not be opened; `problems` then says why. A missing include is no problem (it
    stands in `missing`, with the place that names it), nor is a value that only a command could
    tell: ask `is_unresolved` where the value is needed. `included` are all files that were looked
    for; `asked` the variables of the environment that the values depend on.
    """

    path: Path
    found: bool
    sections: Mapping[str, Mapping[str, str]]
    problems: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    missing: tuple[tuple[Place, Path], ...]
    included: tuple[Path, ...]
    asked: Mapping[str, str | None] = field(repr=False)
    given: frozenset[tuple[str, str]]
    _places: Mapping[tuple[str, str], tuple[Place, ...]] = field(repr=False)
    _kept: Mapping[tuple[str, str], str] = field(repr=False)

    @overload
    def get(self, section: str, key: str) -> str | None: ...
    @overload
    def get(self, section: str, key: str, default: str) -> str: ...
    def get(self, section: str, key: str, default: str | None = None) -> str | None:
        """The value, or the default where the section or key is not there."""
        return self.sections.get(section, {}).get(key, default)

    def where(self, section: str, key: str) -> Place:
        """File and line (from 1) of the value; the file and 0 where there is no value."""
        places = self._places.get((section, key))
        return places[-1] if places else (self.path, 0)

    def places(self, section: str, key: str) -> tuple[Place, ...]:
        """Every place that set the key, in order; all but the last were replaced."""
        return self._places.get((section, key), ())

    def is_unresolved(self, section: str, key: str) -> bool:
        """Whether the value holds a form that was not worked out."""
        return (section, key) in self._kept

    def unresolved_form(self, section: str, key: str) -> str:
        """That form's type: 'shell', 'system', 'scheme', 'getenv NAME' …; '' for a plain value."""
        return self._kept.get((section, key), "")

    def variables(self, target: Sequence[str]) -> dict[str, str]:
        """What runconfigs.config says for a target: section `default`, then the target's own."""
        own = self.sections.get("/".join(target), {})
        return {**self.sections.get("default", {}), **own}


def read_config(
    path: Path,
    *,
    area_path: Path,
    environ: Mapping[str, str],
    allow_commands: bool = False,
    target: Sequence[str] | None = None,
    kind: Kind = "megatest",
    fields: Sequence[str] = (),
    given: Mapping[tuple[str, str], str] | None = None,
) -> ConfigFile:
    """Read a config file with all that it includes.

    `environ` is what `#{getenv …}` sees; MT_RUN_AREA_HOME and PWD are the area, as when Megatest
    starts there. `fields` and `target` name the key variables (megatest.config brings its own
    fields). With `allow_commands`, shell, system and scriptinc forms run in the area's directory.
    `given` are values that stand in for those of the file, by (section, key).
    """
    values = tuple(target or ())
    around = surroundings(area_path, values, fields, environ)
    terms = Terms(kind, area_path, values, around, given or {}, allow_commands=allow_commands)
    return read_on_terms(path, terms)


def surroundings(
    area_path: Path, target: Sequence[str], fields: Sequence[str], environ: Mapping[str, str]
) -> dict[str, str]:
    """The environment with what Megatest adds to it for an area and a target."""
    environment = {**environ, "MT_RUN_AREA_HOME": str(area_path), "PWD": str(area_path)}
    if target:
        environment["MT_TARGET"] = "/".join(target)
    environment.update(zip(fields, target, strict=False))
    return environment


def read_on_terms(path: Path, terms: Terms) -> ConfigFile:
    """Read a config file with all that it includes; the environment is just what `terms` say."""
    parse = Parse(terms)
    found = parse.read_top(path)
    return ConfigFile(
        path=path,
        found=found,
        sections=parse.sections,
        problems=tuple(parse.problems),
        environment=parse.environment,
        missing=tuple(parse.missing),
        included=tuple(parse.included),
        asked=parse.scope.asked,
        given=frozenset(terms.given),
        _places={key: tuple(places) for key, places in parse.places.items()},
        _kept={key: form for key, form in parse.kept.items() if form},
    )
