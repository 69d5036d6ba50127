"""Templates, parts and assets: what is found where, and the rules that all of them keep."""

import re
import shutil
from pathlib import Path

import jinja2
import pytest

from mtsite.build.theme import Theme, product_dir
from mtsite.pages import notfound
from mtsite.pages.page import SiteFrame

TEMPLATES = product_dir("templates")
STATIC = product_dir("static")
FOUNDATION = {"tokens", "base", "ansi", "print"}
"""Styles that belong to no part: colours, elements, what is generated, paper."""

LOADERS = {
    *("shard", "element", "filter_query", "search_rows", "search_draw"),
    *("log_blocks", "log_colours", "log_gaps", "log_keys", "log_rows", "log_text", "log_times"),
}
"""Scripts that belong to no part: they serve the others."""


def _write(directory: Path, name: str, text: str) -> None:
    file = directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def _templates() -> dict[str, str]:
    return {
        str(file.relative_to(TEMPLATES)): file.read_text("utf-8")
        for file in sorted(TEMPLATES.rglob("*.html"))
    }


def _parts() -> set[str]:
    return {file.stem for file in (TEMPLATES / "partials").glob("*.html")}


def test_own_template_stands_before_the_products(tmp_path: Path) -> None:
    _write(tmp_path, "templates/redirect.html", "mine: {{ label }}")
    assert Theme([tmp_path]).render("redirect.html", {"label": "<x>"}) == b"mine: &lt;x&gt;"


def test_own_template_extends_the_products_by_full_name(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "templates/notfound.html",
        '{% extends "mtsite/notfound.html" %}{% block kind %}ours{% endblock %}',
    )
    from mtsite.pages import notfound
    from mtsite.pages.page import SiteFrame

    page = Theme([tmp_path]).render("notfound.html", notfound.context(SiteFrame("x")))
    assert b'<body class="ours">' in page


def test_own_part_is_used_inside_the_products_page(tmp_path: Path) -> None:
    _write(tmp_path, "templates/partials/top_bar.html", "<b>our bar</b>")
    from mtsite.pages import notfound
    from mtsite.pages.page import SiteFrame

    page = Theme([tmp_path]).render("notfound.html", notfound.context(SiteFrame("x")))
    assert b"<b>our bar</b>" in page


def test_included_parts_nest_and_see_the_loop_around_them(tmp_path: Path) -> None:
    _write(tmp_path, "templates/a.html", '{% for x in xs %}{% include "b.html" %}{% endfor %}')
    _write(tmp_path, "templates/b.html", '{{ x }}{% include "c.html" %}')
    _write(tmp_path, "templates/c.html", "[{{ x }}]")
    assert Theme([tmp_path]).render("a.html", {"xs": (1, 2)}) == b"1[1]2[2]"


def test_circle_of_parts_is_named_not_followed_forever(tmp_path: Path) -> None:
    _write(tmp_path, "templates/a.html", '{% include "b.html" %}')
    _write(tmp_path, "templates/b.html", '{% include "a.html" %}')
    with pytest.raises((RecursionError, jinja2.TemplateError)):
        Theme([tmp_path]).render("a.html", {})


def test_unknown_name_in_a_template_is_an_error(tmp_path: Path) -> None:
    _write(tmp_path, "templates/a.html", "{{ nobody }}")
    with pytest.raises(jinja2.UndefinedError):
        Theme([tmp_path]).render("a.html", {})


def test_broken_bytes_of_a_name_come_out_as_replacement_characters(tmp_path: Path) -> None:
    _write(tmp_path, "templates/a.html", "{{ x }}")
    assert Theme([tmp_path]).render("a.html", {"x": "a\udcffb"}) == "a\ufffdb".encode()


@pytest.mark.parametrize("changed", ["a.html", "b.html", "c.html", "d.html"])
def test_recipe_moves_with_every_template_that_is_used(tmp_path: Path, changed: str) -> None:
    _write(tmp_path, "templates/a.html", '{% extends "b.html" %}{% from "d.html" import m %}')
    _write(tmp_path, "templates/b.html", '{% include "c.html" %}')
    _write(tmp_path, "templates/c.html", "c")
    _write(tmp_path, "templates/d.html", "{% macro m() %}m{% endmacro %}")
    before = Theme([tmp_path]).recipe("a.html")
    _write(tmp_path, f"templates/{changed}", (tmp_path / "templates" / changed).read_text() + " ")
    assert Theme([tmp_path]).recipe("a.html") != before


def test_recipe_stays_when_another_template_moves(tmp_path: Path) -> None:
    _write(tmp_path, "templates/a.html", "a")
    before = Theme([tmp_path]).recipe("a.html")
    _write(tmp_path, "templates/other.html", "o")
    assert Theme([tmp_path]).recipe("a.html") == before == Theme([tmp_path]).recipe("a.html")


def test_own_part_moves_the_recipe_of_the_products_pages(tmp_path: Path) -> None:
    before = Theme([tmp_path]).recipe("run.html")
    _write(tmp_path, "templates/partials/failures.html", "none")
    assert Theme([tmp_path]).recipe("run.html") != before


def test_recipe_of_a_page_covers_its_parts_and_frame() -> None:
    sources = Theme()._sources("test.html")
    assert {"frame.html", "partials/steps.html", "partials/top_bar.html"} <= set(sources)


def test_assets_join_tokens_first_and_keep_the_theme_apart() -> None:
    assets = Theme().assets()
    style = assets["_assets/v1/site.css"].decode()
    assert (
        style.index("/* tokens.css */") < style.index("/* base.css */") < style.index("strip.css")
    )
    assert style.rindex("/* print.css */") > style.rindex("/* trend.css */")
    script = assets["_assets/v1/site.js"].decode()
    assert "// keys.js" in script
    assert "// theme.js" not in script
    assert b"localStorage" in assets["_assets/v1/theme.js"]


def test_own_style_replaces_a_part_and_a_new_one_joins(tmp_path: Path) -> None:
    _write(tmp_path, "static/css/trend.css", ".trend { display: none; }")
    _write(tmp_path, "static/css/zz_ours.css", ".ours { color: red; }")
    style = Theme([tmp_path]).assets()["_assets/v1/site.css"].decode()
    assert ".trend { display: none; }" in style
    assert ".trend .base" not in style
    assert ".ours { color: red; }" in style


def test_comments_of_a_style_are_left_out_but_for_licences(tmp_path: Path) -> None:
    own = '/* why */\n.a::before { content: "/* shown */"; }\n/*! MIT */\n.b { color: red; }\n'
    _write(tmp_path, "static/css/zz_ours.css", own)
    style = Theme([tmp_path]).assets()["_assets/v1/site.css"].decode()
    kept = '.a::before { content: "/* shown */"; }\n/*! MIT */\n.b { color: red; }'
    assert f"/* zz_ours.css */\n{kept}" in style
    assert "why" not in style


def test_assets_are_within_their_weight() -> None:
    import gzip

    assets = Theme().assets()
    assert len(gzip.compress(assets["_assets/v1/site.css"])) < 20_000
    scripts = assets["_assets/v1/site.js"] + assets["_assets/v1/theme.js"]
    assert len(gzip.compress(scripts)) < 40_000


def test_each_marked_element_stands_in_the_part_of_its_name() -> None:
    for name, text in _templates().items():
        for mark in re.findall(r'data-mt="([^"]+)"', text):
            stem = Path(name).stem
            # A time is marked where rows print it without a macro.
            assert mark.replace("-", "_") == stem or mark == "when", f"{mark} in {name}"


def test_styles_and_scripts_belong_to_parts() -> None:
    parts = _parts()
    styles = {file.stem for file in (STATIC / "css").glob("*.css")} - FOUNDATION
    scripts = {file.stem for file in (STATIC / "js").glob("*.js")}
    assert styles - parts == set()
    assert scripts - parts - LOADERS == set()


def test_scripts_find_their_part_by_its_mark() -> None:
    for file in (STATIC / "js").glob("*.js"):
        assert f"data-mt={file.stem.replace('_', '-')}" in file.read_text("utf-8"), file.name


def test_scripts_are_short_and_keep_their_scope() -> None:
    for file in (STATIC / "js").glob("*.js"):
        text = file.read_text("utf-8")
        assert len(text.splitlines()) < 150, file.name
        assert re.search(r"^\(\(\) => \{$", text, re.M), file.name
        assert "innerHTML" not in text and "eval(" not in text, file.name


def test_no_template_trusts_text() -> None:
    for name, text in _templates().items():
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup", text), name


def test_only_two_files_make_markup() -> None:
    package = Path(__file__).parents[2] / "mtsite"
    makers = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if re.search(r"\bMarkup\(|import .*\bMarkup\b|markupsafe\.", file.read_text("utf-8"))
    }
    assert makers <= {"pages/markdown.py", "pages/loglines.py"}


def test_no_template_has_inline_style_script_or_handler() -> None:
    for name, text in _templates().items():
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text), name


def test_policy_comes_first_in_the_head() -> None:
    head = (TEMPLATES / "frame.html").read_text("utf-8").split("<head>")[1].strip()
    assert head.startswith('<meta http-equiv="Content-Security-Policy" content="default-src')
    policy = head.split('content="')[1].split('"')[0]
    assert "unsafe" not in policy
    assert "base-uri 'none'" in policy and "form-action 'none'" in policy


def test_colours_stand_in_tokens_alone() -> None:
    generated = {"tokens.css", "ansi.css"}
    for file in (STATIC / "css").glob("*.css"):
        if file.name not in generated:
            raw = re.findall(r"#[0-9a-fA-F]{3,8}\b", file.read_text("utf-8"))
            assert not raw, f"{file.name}: {raw}"


def test_a_cache_of_compiled_templates_may_vanish_or_hold_rubbish(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    expected = Theme().render("notfound.html", notfound.context(SiteFrame("x")))
    assert Theme((), cache).render("notfound.html", notfound.context(SiteFrame("x"))) == expected
    for kept in cache.iterdir():
        kept.write_bytes(kept.read_bytes()[:60])
    assert Theme((), cache).render("notfound.html", notfound.context(SiteFrame("x"))) == expected
    theme = Theme((), cache)
    shutil.rmtree(cache)
    assert theme.render("notfound.html", notfound.context(SiteFrame("x"))) == expected
