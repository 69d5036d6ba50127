import pickle
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtsite.config import (
    SECTIONS,
    AreaConfig,
    Config,
    config_for_areas,
    find_config,
    load_config,
    parse_age,
)
from mtsite.errors import ConfigError
from mtsite.options import options_of, parse_size, show_age, show_size, toml_text
from mtsite.ownrules import LogRule, OwnRule
from mtsite.settingstext import default_toml, effective_values, settings_table
from mtsite.tomlfile import TomlFile

DOCS = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
Load = Callable[..., Config]
QUICK = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(
        text: str | bytes, environ: Mapping[str, str] | None = None, **flags: Mapping[str, str]
    ) -> Config:
        path = tmp_path / "mtsite.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config(path, environ or {}, **flags)

    return load


@pytest.fixture
def mistakes(load: Load, tmp_path: Path) -> Callable[..., list[str]]:
    def mistakes(text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, environ)
        return [each.replace(f"{tmp_path}/", "") for each in caught.value.mistakes]

    return mistakes


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
    assert config.areas["a b"].path == tmp_path / "sub/../ab"
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


# -- mistakes --------------------------------------------------------------------------------------


def test_all_mistakes_are_reported_at_once_by_line(mistakes: Callable[..., list[str]]) -> None:
    found = mistakes(
        """[site]
titel = "x"
timezone = "Mars/Olympus"
output = 3
[areas.a]
pth = "/tmp"
[areas."b c"]
path = "/tmp"
reduce = "yes"
[nightly]
at = 3
[build]
settle = "30"
workers = 0
log_cap = "256MB"
engine = "threads"
[publish]
destination = "ftp://x"
endpoint_url = "localhost:8333"
[retain]
logs = 30
[redact]
rules = "default"
[schedule]
nightly = "24:00"
""",
        {"MTSITE_BUILD_WORKERZ": "1", "MTSITE_RETAIN_ROWS": "never"},
    )
    places = [each.split(": ")[:2] for each in found]
    assert places == [
        ["mtsite.toml:2", "site.titel"],
        ["mtsite.toml:3", "site.timezone"],
        ["mtsite.toml:4", "site.output"],
        ["mtsite.toml:5", "areas.a.path"],
        ["mtsite.toml:6", "areas.a.pth"],
        ["mtsite.toml:9", 'areas."b c".reduce'],
        ["mtsite.toml:10", "nightly"],
        ["mtsite.toml:13", "build.settle"],
        ["mtsite.toml:14", "build.workers"],
        ["mtsite.toml:15", "build.log_cap"],
        ["mtsite.toml:16", "build.engine"],
        ["mtsite.toml:18", "publish.destination"],
        ["mtsite.toml:19", "publish.endpoint_url"],
        ["mtsite.toml:21", "retain.logs"],
        ["mtsite.toml:23", "redact.rules"],
        ["mtsite.toml:25", "schedule.nightly"],
        ["environment MTSITE_BUILD_WORKERZ", 'there is no such setting; did you mean "workers"?'],
        ["environment MTSITE_RETAIN_ROWS", "retain.rows"],
    ]
    assert found[0].endswith('did you mean "title"?')
    assert found[3].endswith("is missing: The directory that holds megatest.config.")


@pytest.mark.parametrize(
    "text",
    [
        '[publish]\nsecret_access_key = "hunter2"',
        '[aws]\nregion = "x"\naccess_key = "hunter2"',
        '[areas.a]\npath = "x"\npassword = "hunter2"',
        'github_token = "hunter2"',
        '[[account]]\napi-key = "hunter2"',
        '[publish]\ncredentials = { user = "u", pw = "hunter2" }',
        '[publish]\ndestination = "s3://key:hunter2@bucket/x"',
        '[publish]\nendpoint_url = "https://me:hunter2@host/"',
    ],
)
def test_a_secret_is_refused_and_not_repeated(
    text: str, mistakes: Callable[..., list[str]]
) -> None:
    found = mistakes(text)
    if "credentials =" not in text:
        assert "credentials come from boto3's own chain" in found[0]
    assert "hunter2" not in "".join(found)


def test_a_secret_in_a_variable_is_refused(mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes("", {"MTSITE_PUBLISH_SECRET_KEY": "hunter2"})
    assert "boto3's own chain" in found and "hunter2" not in found


def test_an_area_or_prefix_may_be_called_like_a_secret(load: Load) -> None:
    config = load('[areas.token_ring]\npath = "x"\npath_map = { "/net/secret/" = "/x/" }')
    assert list(config.areas) == ["token_ring"]


def test_two_areas_of_one_name(mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes('[areas.a]\npath = "x"\n[areas.a]\npath = "y"\n')
    assert found.startswith("mtsite.toml:3: not TOML: Cannot declare")


def test_two_areas_of_one_path(mistakes: Callable[..., list[str]], tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "link").symlink_to("x")
    (found,) = mistakes('[areas.a]\npath = "x"\n[areas.b]\npath = "link/."\n')
    assert found == "mtsite.toml:4: areas.b.path: is the directory of area a too"


@pytest.mark.parametrize("alias", ["a", "old", "b"])
def test_an_alias_is_no_other_areas_name(alias: str, mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes(
        f'[areas.a]\npath = "x"\naliases = ["old"]\n[areas.b]\npath = "y"\naliases = ["{alias}"]\n'
    )
    assert found == f'mtsite.toml:6: areas.b.aliases: "{alias}" is an area\'s name already'


@pytest.mark.parametrize("output", [".", "x"])
def test_the_output_never_holds_an_area(output: str, mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes(f'[site]\noutput = "{output}"\n[areas.a]\npath = "x"\n')
    assert found.startswith("mtsite.toml:2: site.output: would hold area a itself")


def test_a_site_may_lie_in_an_area(load: Load) -> None:
    assert load('[site]\noutput = "site"\n[areas.a]\npath = "."\n').areas


def test_a_site_is_not_published_onto_itself(mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes('[publish]\ndestination = "./site"\n')
    assert found.startswith("mtsite.toml:2: publish.destination: is the directory of [site] output")


def test_logs_may_not_outlive_pages(mistakes: Callable[..., list[str]], load: Load) -> None:
    (found,) = mistakes('[retain]\nlogs = "30d"\npages = "10d"\n')
    assert found.startswith("mtsite.toml:1: retain: logs may not outlive pages")
    assert load('[retain]\nlogs = "30d"\npages = "30d"\n').retain.rows is None


@pytest.mark.parametrize(
    ("regex", "told"),
    [("(", "missing )"), ("(?=x)", "RE2"), ("x*", "matches even empty text"), ("\\\\1", "RE2")],
)
def test_own_rules_are_tried(regex: str, told: str, mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes(
        f'[[redact.own]]\nname = "ok"\nregex = "x"\n[[redact.own]]\nname = "n"\nregex = "{regex}"'
    )
    assert found.startswith("mtsite.toml:6: redact.own[1].regex: ") and told in found


def test_rules_for_logs_are_read_with_their_levels(load: Load) -> None:
    config = load(
        "[[logs.rule]]\nname = 'licence'\nregex = 'no licen[cs]e for (\\w+)'\nlevel = 'critical'\n"
        "title = 'No licence'\nlink = 'https://bugs.example/find?q={1}'\n"
        "[[logs.rule]]\nname = 'known'\nregex = 'chatter'\nlevel = 'ignore'\n"
        "[logs.theirs]\nx = 1\n"
    )
    first, second = config.logs.rules
    link = "https://bugs.example/find?q={1}"
    assert first == LogRule("licence", r"no licen[cs]e for (\w+)", "critical", "No licence", link)
    assert (second.name, second.level) == ("known", "ignore")
    assert config.logs.settings == {"theirs": {"x": 1}}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("name", "'A b'", "a name is 1 to 40 of"),
        ("regex", "'('", "no regular expression in RE2's syntax"),
        ("regex", "'(?=x)'", "no regular expression in RE2's syntax"),
        ("regex", "'x*'", "matches even empty text"),
        ("regex", "7", "expected text"),
        ("level", "'fatal'", '"fatal" is none of critical, error, warning, ignore'),
        ("link", "'javascript:alert(1)'", "expected http://HOST/"),
        ("link", "'https://{0}.example/'", "expected http://HOST/"),
        ("link", "'https://u:p@host/'", "holds a name or password"),
        ("link", "'https://host/{2}'", "has {2}, but regex has 0 groups"),
        ("link", "'https://host/{x}'", "expected http://HOST/"),
        ("colour", "'red'", "there is no such key"),
    ],
)
def test_mistakes_in_rules_for_logs_are_told_with_line_and_key(
    key: str, value: str, told: str, mistakes: Callable[..., list[str]]
) -> None:
    given = {"name": "'a'", "regex": "'x'", key: value}
    lines = "\n".join(f"{name} = {text}" for name, text in given.items())
    (found,) = mistakes("[[logs.rule]]\nname = 'b'\nregex = 'y'\n[[logs.rule]]\n" + lines)
    line = 5 + list(given).index(key)
    assert found.startswith(f"mtsite.toml:{line}: logs.rule[1].{key}: {told}")


def test_rules_for_logs_have_names_of_their_own(mistakes: Callable[..., list[str]]) -> None:
    rule = "[[logs.rule]]\nname = 'n'\nregex = 'x'\n"
    assert mistakes(rule + rule) == ['mtsite.toml:5: logs.rule[1].name: there is another rule "n"']


def test_rules_without_a_name_are_not_two_of_one_name(
    mistakes: Callable[..., list[str]],
) -> None:
    told = mistakes("[[logs.rule]]\nregex = 'x'\n" * 2)
    assert len(told) == 2 and all("name: is missing" in one for one in told)


def test_own_rules_have_names_of_their_own(mistakes: Callable[..., list[str]]) -> None:
    rule = '[[redact.own]]\nname = "n"\nregex = "x"\n'
    assert mistakes(rule + rule) == ['mtsite.toml:5: redact.own[1].name: there is another rule "n"']


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("site = 3", "mtsite.toml:1: site: expected a table, as [site]"),
        ("[areas]\na = 'x'", "mtsite.toml:2: areas.a: expected a table, as [areas.a]"),
        ("[redact]\nown = 1", "mtsite.toml:2: redact.own: expected tables, as [[redact.own]]"),
        (
            "[redact]\nown = [1]",
            "mtsite.toml:2: redact.own[0]: expected a table, as [redact.own[0]]",
        ),
        ("[areas.'']\npath = 'x'", 'mtsite.toml:1: areas."": an area\'s name is'),
        ("[site]\ntitle = 'x\n", "mtsite.toml:2: not TOML: "),
        ("[site\n", "mtsite.toml:1: not TOML: "),
        ("x = " + "[" * 100_000, "mtsite.toml:1: not TOML: "),
        ("x = " + "9" * 5000, "mtsite.toml:1: not TOML: "),
        (b"[site]\ntitle = '\xff'", "mtsite.toml:2: this line is not UTF-8"),
        ("[site]\noutput = 'a\0b'", "mtsite.toml:2: not TOML: "),
        ('[site]\noutput = "a\\u0000b"', "mtsite.toml:2: site.output: expected a path"),
        ('[site]\noutput = "~nobody-at-all/x"', "mtsite.toml:2: site.output: "),
        ("[site]\nbase_url = 'http://[::1'", "mtsite.toml:2: site.base_url: "),
        ("[build]\nworkers = true", "mtsite.toml:2: build.workers: expected a whole number"),
        ("[build]\nworkers = 2024-01-01", "mtsite.toml:2: build.workers: expected a whole number"),
    ],
)
def test_odd_files(text: str | bytes, told: str, mistakes: Callable[..., list[str]]) -> None:
    assert mistakes(text)[0].startswith(told)


def test_a_file_that_cant_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read: Is a directory") as caught:
        load_config(tmp_path, {})
    assert "mtsite init" in caught.value.hint


# -- lines -----------------------------------------------------------------------------------------


def test_the_line_of_every_key(tmp_path: Path) -> None:
    text = '''# [site]
top.sub = 1
[ "site" ]   # c = 1
"title" = """
x = 1
[y] \\"""" # a quote at the end
list = [
  "a", # b = 2
  { z = 1 },
] ; = 2
'''.replace(" ; = 2", "\nafter = '# no'")
    text += "[[redact.own]]\nname = 'x'\n[[redact.own]]\nname = '''\n'y'''\n"
    text += "[redact.own.deep]\nk.l = {m = 1}"
    path = tmp_path / "x.toml"
    path.write_text(text)
    file = TomlFile(path)
    assert file.line(("top", "sub")) == 2
    assert file.line(("site",)) == 3
    assert file.line(("site", "title")) == 4
    assert file.line(("site", "list")) == 7
    assert file.line(("site", "after")) == 11
    assert file.line(("redact", "own", 0, "name")) == 13
    assert file.line(("redact", "own", 1, "name")) == 15
    assert file.line(("redact", "own", 1, "deep")) == 17
    assert file.line(("redact", "own", 1, "deep", "k", "l", "m")) == 18
    assert file.line(("nothing",)) == 1


TABLES = st.dictionaries(
    st.text(max_size=8),
    st.one_of(
        st.integers(),
        st.booleans(),
        st.text(max_size=20),
        st.lists(st.text(max_size=5), max_size=3),
    ),
    max_size=4,
)


@QUICK
@given(tables=st.dictionaries(st.text(max_size=8), TABLES, max_size=4))
def test_any_table_is_written_read_and_located(
    tables: dict[str, dict[str, object]], tmp_path: Path
) -> None:
    text, expected = "", {}
    for name, table in tables.items():
        text += f"[{toml_text(name)}]\n"
        for key, value in table.items():
            text += f"{toml_text(key)} = {toml_text(value)}\n"
            expected[name, key] = text.count("\n")
    path = tmp_path / "x.toml"
    path.write_text(text, encoding="utf-8", newline="")
    file = TomlFile(path)
    assert file.tables == tables
    assert {key: file.line(key) for key in expected} == expected


@QUICK
@given(
    content=st.one_of(st.binary(max_size=200), st.text(alphabet="[]{}=.,\"'#\\\n ax1", max_size=80))
)
def test_any_file_loads_or_lists_its_mistakes(content: bytes | str, load: Load) -> None:
    try:
        load(content)
    except ConfigError as wrong:
        assert all(re.match(r".*mtsite\.toml:\d+: ", each, re.DOTALL) for each in wrong.mistakes)


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
