"""Any table is written, read and located: line numbers of keys."""

import re
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtsite.config import Config
from mtsite.errors import ConfigError
from mtsite.options import toml_text
from mtsite.tomlfile import TomlFile

Load = Callable[..., Config]
QUICK = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


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
