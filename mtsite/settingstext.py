"""Settings written down: those in effect, the file that `init` writes, the table of the docs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mtsite.config import SECTIONS, AreaConfig, Config, SiteConfig
from mtsite.datasets import DatasetConfig
from mtsite.options import (
    REQUIRED,
    TEST_VALUES,
    VALUES,
    Option,
    options_of,
    toml_key,
    toml_text,
)
from mtsite.ownrules import ClusterRule, LogRule, OwnRule
from mtsite.tomlfile import dotted


def effective_values(config: Config) -> list[tuple[str, str, str]]:
    """Each setting as (key, value as TOML, where it comes from), in the order of the docs."""
    tables: list[tuple[str, Any]] = [(name, getattr(config, name)) for name in SECTIONS]
    tables += [(dotted(("redact", "own", i)), rule) for i, rule in enumerate(config.redact.own)]
    tables += [(dotted(("logs", "rule", i)), rule) for i, rule in enumerate(config.logs.rules)]
    own = enumerate(config.clusters.rules)
    tables += [(dotted(("clusters", "rule", i)), rule) for i, rule in own]
    tables += [(dotted(("areas", name)), area) for name, area in config.areas.items()]
    return [
        (key, text, config.origins.get(key, "default"))
        for prefix, section in tables
        for name, each in options_of(type(section)).items()
        for key, text in _written(f"{prefix}.{name}", each, getattr(section, each.attribute))
    ]


def _written(key: str, each: Option, value: Any) -> Iterator[tuple[str, str]]:
    """The setting as it would stand in the file; values of the user's own tables one by one."""
    if value and each.kind in (VALUES, TEST_VALUES):
        yield from _leaves(key, value)
    else:
        yield key, each.kind.show(value)


def _leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(f"{key}.{toml_key(name)}", inner)
    else:
        yield key, toml_text(value)


def default_toml(areas: Sequence[tuple[str, Path]]) -> str:
    """A working mtsite.toml for these areas: every setting with its sentence, as a comment."""
    lines = ["# mtsite.toml: one site. Lines that begin with # show defaults.", ""]
    lines += ["[site]", *_option_lines(SiteConfig), ""]
    for name, path in areas:
        lines += [f"[areas.{toml_text(name)}]", f"path = {toml_text(str(path))}"]
        lines += [*_option_lines(AreaConfig, skip="path"), ""]
    for name, section in SECTIONS.items():
        if section is not SiteConfig:
            lines += [f"[{name}]", *_option_lines(section), ""]
    return "\n".join(lines)


def _option_lines(section: type, skip: str = "") -> list[str]:
    lines = []
    for name, each in options_of(section).items():
        if name != skip:
            lines += [f"# {each.sentence}", f"# {name} = {each.written or toml_text('…')}"]
    return lines


def settings_table() -> str:
    """The table of docs/configuration.md, as Markdown."""
    tables = {**SECTIONS, "[redact.own]": OwnRule, "[logs.rule]": LogRule}
    tables["[clusters.rule]"] = ClusterRule
    tables["logs.migration.NAME"] = DatasetConfig
    tables["areas.NAME"] = AreaConfig
    lines = []
    for title, section in tables.items():
        lines += [f"### `[{title}]`", "", "| key | value | default | meaning |", "|--|--|--|--|"]
        for name, each in options_of(section).items():
            default = "required" if each.default is REQUIRED else each.written
            shown = f"`{default}`" if each.written else default
            lines.append(f"| `{name}` | {each.kind.name} | {shown} | {each.sentence} |")
        lines.append("")
    return "\n".join(lines)
