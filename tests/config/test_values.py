"""Values of `mtsite.toml`, where they come from, and how the file is found and generated."""

import pickle
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.config import SECTIONS, AreaConfig, Config, config_for_areas, find_config, parse_age
from mtsite.errors import ConfigError
from mtsite.options import options_of, parse_size, show_age, show_size
from mtsite.ownrules import OwnRule
from mtsite.settingstext import default_toml, effective_values, settings_table

DOCS = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
Load = Callable[..., Config]


# -- values and where they come from ---------------------------------------------------------------


def test_an_empty_file_is_all_defaults(load: Load, tmp_path: Path) -> None:
    config = load("")
    assert config == replace(
        Config(tmp_path / "mtsite.toml", tmp_path, tmp_path / ".mtsite"),
        site=replace(config.site, output=tmp_path / "site"),
        retain=replace(config.retain, exports=tmp_path / "exports"),
    )
    assert (config.reduce.older_than, config.reduce.dead_after) == (2 * 86400, 7 * 86400)
    assert (config.build.settle, config.build.log_cap) == (3600, 256 << 20)
    assert config.redact.rules == ("default",) and config.retain.logs is None


def test_a_whole_file(load: Load, tmp_path: Path) -> None:
    config = load(
        """
[site]
title = "Nightly"
output = "out"
base_url = "https://runs.example/"
timezone = "Europe/Berlin"
noindex = false
[areas.fullrun]
path = "/proj/fullrun"
linktree = "lt"
name = "suite"
path_map = { "/net/h1/" = "/h1/" }
aliases = ["old_name"]
intro = "README.md"
reduce = false
[areas."a b"]
path = "sub/../ab"
run_configured_commands = true
[reduce]
older_than = "1d 12h"
keep_live = 0
[build]
engine = "inprocess"
time_limit = "4h"
log_cap = "1GiB"
[publish]
destination = "s3://bucket/prefix/"
endpoint_url = "http://127.0.0.1:8333"
[retain]
logs = "180d"
[redact]
rules = ["default", "hosts"]
[[redact.own]]
name = "badge"
regex = "badge-[0-9]+"
[schedule]
nightly = "23:30"
"""
    )
    assert list(config.areas) == ["fullrun", "a b"]
    assert config.areas["fullrun"] == AreaConfig(
        name="fullrun",
        path=Path("/proj/fullrun"),
        linktree=tmp_path / "lt",
        testsuite="suite",
        path_map={"/net/h1/": "/h1/"},
        aliases=("old_name",),
        intro="README.md",
        reduce=False,
    )
    assert config.areas["a b"].path == tmp_path / "ab"
    assert config.site.output == tmp_path / "out" and config.site.base_url == "https://runs.example"
    assert config.reduce.older_than == 129600 and config.build.time_limit == 14400
    assert config.publish.destination == "s3://bucket/prefix"
    assert config.retain.logs == 180 * 86400
    assert config.redact.own == (OwnRule("badge", "badge-[0-9]+"),)
    assert pickle.loads(pickle.dumps(config)) == config


def test_flags_win_over_variables_over_the_file(load: Load, tmp_path: Path) -> None:
    text = '[site]\ntitle = "file"\n[build]\nworkers = 3\nengine = "processes"\n'
    environ = {"MTSITE_BUILD_WORKERS": "5", "MTSITE_BUILD_ENGINE": "processes", "MTSITE_X": "y"}
    config = load(text, environ, flags={"build.engine": "inprocess"})
    assert (config.site.title, config.build.workers, config.build.engine) == (
        "file",
        5,
        "inprocess",
    )
    assert config.origins["site.title"] == f"{tmp_path}/mtsite.toml:2"
    assert config.origins["build.workers"] == "environment MTSITE_BUILD_WORKERS"
    assert config.origins["build.engine"] == "command line"
    assert config.origins["build.settle"] == "default"


def test_variables_of_every_kind(load: Load) -> None:
    environ = {
        "MTSITE_SITE_NOINDEX": "no",
        "MTSITE_REDACT_RULES": "default, hosts",
        "MTSITE_RETAIN_LOGS": "30d",
        "MTSITE_SITE_OUTPUT": "here",
        "MTSITE_PUBLISH_DESTINATION": "there",
    }
    config = load("", environ)
    assert config.site.noindex is False
    assert config.redact.rules == ("default", "hosts")
    assert config.retain.logs == 30 * 86400
    assert config.site.output == Path.cwd() / "here", "relative to the current directory"
    assert config.publish.destination == str(Path.cwd() / "there")


def test_every_value_is_shown_with_its_origin(load: Load, tmp_path: Path) -> None:
    config = load('[areas.a]\npath = "x"\n[[redact.own]]\nname = "r"\nregex = "x+"\n')
    shown = {key: (value, origin) for key, value, origin in effective_values(config)}
    assert shown["areas.a.path"] == (f'"{tmp_path}/x"', f"{tmp_path}/mtsite.toml:2")
    assert shown["redact.own[0].regex"] == ('"x+"', f"{tmp_path}/mtsite.toml:5")
    assert shown["reduce.older_than"] == ('"2d"', "default")
    assert shown["build.log_cap"] == ('"256MiB"', "default")
    assert shown["retain.rows"] == ('"forever"', "default")
    assert len(shown) == sum(
        len(options_of(each)) for each in [*SECTIONS.values(), AreaConfig, OwnRule]
    )


def test_shown_values_read_back_as_the_same_settings(load: Load) -> None:
    first = load(
        '[site]\ntitle = "a\\"b\\\\c\\n\\u0001"\n[areas."x y"]\npath = "p"\n[build]\nsettle = "90m"'
    )
    text = ""
    for key, value, _ in effective_values(first):
        text += f"{key} = {value}\n" if value else ""
    assert load(text) == first


# -- finding it ------------------------------------------------------------------------------------


def test_the_file_is_found_by_walking_up(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_config(deep, None, {}) is None
    (tmp_path / "mtsite.toml").touch()
    (tmp_path / "a" / "mtsite.toml").mkdir()
    assert find_config(deep, None, {}) == tmp_path / "mtsite.toml"


def test_an_explicit_file_wins_over_the_variable(tmp_path: Path) -> None:
    (tmp_path / "mtsite.toml").touch()
    environ = {"MTSITE_CONFIG": "/else/where.toml"}
    assert find_config(tmp_path, Path("x.toml"), environ) == Path("x.toml")
    assert find_config(tmp_path, None, environ) == Path("/else/where.toml")
    assert find_config(tmp_path, None, {"MTSITE_CONFIG": ""}) == tmp_path / "mtsite.toml"


def test_areas_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = config_for_areas([Path("x/fullrun"), tmp_path / "b"], Path("site"), Path(".mtsite"))
    assert {name: area.path for name, area in config.areas.items()} == {
        "fullrun": tmp_path / "x/fullrun",
        "b": tmp_path / "b",
    }
    assert (config.file, config.root, config.site.output) == (None, tmp_path, tmp_path / "site")
    assert config.state_dir == tmp_path / ".mtsite"


def test_areas_of_one_name_need_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is another area x"):
        config_for_areas([tmp_path / "a/x", tmp_path / "b/x"], tmp_path / "site", tmp_path)


# -- ages and sizes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30d", 2592000),
        ("2w", 1209600),
        ("1y", 31536000),
        ("12h", 43200),
        ("90m", 5400),
        ("45s", 45),
        ("1d 12h", 129600),
        ("0s", 0),
    ],
)
def test_ages(text: str, seconds: int) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize(
    "text", ["30", "", " ", "3 d", "d", "-1d", "1.5h", "1M", "1d12h", "٣d", "9" * 30 + "d"]
)
def test_what_is_no_age(text: str) -> None:
    with pytest.raises(ValueError, match="is no age"):
        parse_age(text)


@given(seconds=st.integers(0, 999_999_999), size=st.integers(0, 999_999_999))
def test_ages_and_sizes_are_shown_as_they_are_read(seconds: int, size: int) -> None:
    assert parse_age(show_age(seconds)) == seconds
    assert parse_size(show_size(size)) == size


@pytest.mark.parametrize("text", ["256", "256MB", "1.5GiB", "", "MiB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)


# -- what is generated -----------------------------------------------------------------------------


def test_the_file_that_init_writes_is_all_defaults(load: Load, tmp_path: Path) -> None:
    text = default_toml([("full run", tmp_path / "a"), ("b", tmp_path / 'q"uote')])
    config = load(text)
    assert replace(config, areas={}) == load("")
    assert config.areas == {
        "full run": AreaConfig(name="full run", path=tmp_path / "a"),
        "b": AreaConfig(name="b", path=tmp_path / 'q"uote'),
    }


def test_the_file_that_init_writes_names_every_setting(load: Load) -> None:
    text = default_toml([("a", Path("x"))])
    wanted = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    tables = tomllib.loads(wanted)
    for name, section in SECTIONS.items():
        assert list(tables[name]) == list(options_of(section))
    assert list(tables["areas"]["a"]) == list(options_of(AreaConfig))
    assert load(wanted).reduce == load("").reduce


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "ftp://x.example/", "", "https://", "/relative/{runname}"]
)
def test_links_of_runs_lead_to_web_addresses_only(
    mistakes: Callable[..., list[str]], address: str
) -> None:
    (found,) = mistakes(f'[areas.a]\npath = "x"\nlinks = {{ "Jobs" = "{address}" }}\n')
    assert "areas.a.links" in found


def test_the_docs_list_every_setting_as_declared() -> None:
    text = DOCS.read_text(encoding="utf-8")
    found = re.search(
        r"<!-- settings: begin [^\n]* -->\n\n(.*)\n<!-- settings: end -->", text, re.DOTALL
    )
    assert found is not None
    assert found[1] == settings_table()


LIMITS = '{"maximum_migration_times": {"default": 60, "152": 300, "_152_bugs": [1]}}'


def test_datasets_of_migrations_are_read_with_their_limits(load: Load, tmp_path: Path) -> None:
    (tmp_path / "user.json").write_text(LIMITS)
    config = load(
        "[logs.migration.user]\nlogs = ['*/user/*.log']\nlimits = 'user.json'\n"
        "expected_schema = 229\n[logs.migration.other]\nlogs = ['*']\n"
    )
    datasets = config.logs.settings["migration"]
    assert list(datasets) == ["user", "other"]
    assert datasets["user"] == {
        "logs": ["*/user/*.log"],
        "limits": {
            "maximum_migration_times": {"default": 60, "152": 300},
            "XInnodb_rows_changed": {},
            "Innodb_rows_read": {},
        },
        "limits_source": "user.json",
        "expected_schema": 229,
    }
    assert (datasets["other"]["limits"], datasets["other"]["expected_schema"]) == ({}, None)


@pytest.mark.parametrize(
    ("lines", "line", "key", "told"),
    [
        ("x = 1\nlogs = ['*']", 2, "x", "there is no such key"),
        ("limits = 'l.json'", 1, "logs", "is missing"),
        ("logs = ['*']\nlimits = 'gone.json'", 3, "limits", "gone.json can't be read"),
        ("logs = ['*']\nlimits = 'bad.json'", 3, "limits", "bad.json: maximum_migration_times"),
        ("logs = ['*']\nexpected_schema = -1", 3, "expected_schema", "expected a whole number"),
    ],
)
def test_mistakes_in_datasets_are_told_with_line_and_key(
    mistakes: Callable[..., list[str]], tmp_path: Path, lines: str, line: int, key: str, told: str
) -> None:
    (tmp_path / "l.json").write_text(LIMITS)
    (tmp_path / "bad.json").write_text('{"maximum_migration_times": {"default": "60"}}')
    (found,) = mistakes(f"[logs.migration.d]\n{lines}\n")
    assert found.startswith(f"mtsite.toml:{line}: logs.migration.d.{key}: {told}")
