from html import unescape

import pytest
from pages.shown import FRAME, THEME

from mtsite import urls
from mtsite.build.catalogue import families_of
from mtsite.config import LogsConfig
from mtsite.gatewords import HELP, TEXTS
from mtsite.logs.families import built_in
from mtsite.logs.family import Meaning
from mtsite.ownrules import LogRule
from mtsite.pages import catalogue
from mtsite.pages.catalogue import rule_link


def page_of(logs: LogsConfig) -> str:
    shown = catalogue.context(FRAME, list(families_of(logs)))
    return unescape(THEME.render(catalogue.TEMPLATE, shown).decode())


def test_every_code_of_every_family_has_its_row_with_level_title_and_help() -> None:
    page = page_of(LogsConfig())
    for _, meaning in built_in().catalogue:
        assert f'id="{urls.rule_anchor(meaning.code)}"' in page
        assert meaning.title in page and meaning.help in page
    assert page.count("<dt>") == len(list(built_in().catalogue)) + len(TEXTS)
    assert all(help in page for help in HELP.values() if "'" not in help)


def test_the_sites_own_rules_come_first_but_those_that_silence() -> None:
    rules = (
        LogRule("licence", "no licence", "error", "No licence", ""),
        LogRule("noise", "hush", "ignore", "", ""),
    )
    page = page_of(LogsConfig(rules=rules))
    assert page.index('id="site~2Flicence"') < page.index('id="migration~2Ftoo-long"')
    assert "noise" not in page


def test_the_page_changes_only_with_the_rule_set() -> None:
    assert page_of(LogsConfig()) == page_of(LogsConfig())


def test_what_another_package_says_is_only_text() -> None:
    bad = Meaning("x/<b>", "ERROR", "<script>alert(1)</script>", "a & b")
    page = THEME.render(catalogue.TEMPLATE, catalogue.context(FRAME, [("x", (bad,))])).decode()
    assert "<script>alert" not in page and "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("path", "code", "link"),
    [
        ("index.html", "disk/full", "_rules/index.html#disk~2Ffull"),
        ("a/k/r/t/index.html", "site/x", "../../../../_rules/index.html#site~2Fx"),
        ("a/index.html", "severity", ""),
    ],
)
def test_a_finding_links_to_its_code(path: str, code: str, link: str) -> None:
    assert rule_link(path, code) == link
