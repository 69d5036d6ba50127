"""Pages of pushes and builds: of any size, apart from what else a page has."""

from browser import past_records, records
from browser.push_records import REPOSITORY, REVISIONS
from msgspec.structs import replace
from pages.shown import FRAME, THEME

from mtsite.model import RunKey
from mtsite.pages import build, push, pushes
from mtsite.provenance import Artifact, Commit, Push
from mtsite.toldpushes import PushPlace

PAGE = 1 << 20
NIGHT = records.Night()
RUNS = tuple(past_records.past(NIGHT)[:1])


def broken(number: int) -> push.Broke:
    """100 tests of one of many targets that went wrong with the last of 30 pushes."""
    places = [PushPlace(REPOSITORY, REVISIONS[n], n) for n in range(40)]
    here = RunKey("area", (f"target{number}", "<os>"), "w2")
    tests = tuple(((f"<test>{n}", "item/path"), "F") for n in range(100))
    between = tuple((at, "Change <it>", True) for at in places[20:])
    return push.Broke(here, replace(here, runname="w1"), places[9], tests, 30, between)


def test_a_push_that_broke_hundreds_of_targets_has_a_page_of_bounded_size() -> None:
    at = PushPlace(REPOSITORY, REVISIONS[39], 39)
    told = Push((Commit(REVISIONS[39]),))
    builds = tuple((REPOSITORY, f"build-{n:0200d}") for n in range(2000))
    broke = tuple(broken(n) for n in range(400))
    shown = push.Shown(at, told, None, None, RUNS, builds, broke)
    context = push.context(FRAME, shown)
    page = THEME.render(push.TEMPLATE, context).decode()
    assert 250_000 < len(page.encode()) < PAGE // 2
    shown_targets = page.count("<h2>Went wrong</h2>") - 1
    assert f"{400 - shown_targets} more targets: all are in the" in page
    assert "more</dd>" in page


def test_files_of_a_build_with_long_names_leave_its_page_small() -> None:
    files = tuple(Artifact("&" * 4000 + str(n)) for n in range(300))
    shown = build.Shown(REPOSITORY, "b", (), (), files, RUNS)
    page = THEME.render(build.TEMPLATE, build.context(FRAME, shown)).decode()
    assert len(page.encode()) < PAGE // 2
    assert "of 300 shown; all are in the" in page


def test_a_push_that_is_called_like_a_part_of_the_page_has_a_place_of_its_own() -> None:
    lines = tuple(pushes.Line(Push((Commit(name),)), name, ()) for name in ("main", "pushes"))
    shown = pushes.Shown(REPOSITORY, None, 1, 2, lines)
    page = THEME.render(pushes.TEMPLATE, pushes.context(FRAME, shown)).decode()
    assert page.count('id="main"') == page.count('id="pushes"') == 1
    at = PushPlace(REPOSITORY, "main", 0)
    place = push.list_link("_pushes/x/y.html", at).partition("#")[2]
    assert f'id="{place}"' in page


def test_one_push_is_told_as_one() -> None:
    line = pushes.Line(Push((Commit("r"),)), "r", ())
    told = pushes.context(FRAME, pushes.Shown(REPOSITORY, None, 1, 1, (line,)))["lead"]
    assert told == "1 push, with the runs that tested it."
    untold = pushes.context(FRAME, pushes.Shown(REPOSITORY, None, 0, 0, (), (line,)))["lead"]
    assert untold == "Nobody told which pushes there are; runs name this one."


def test_parts_lead_to_those_beside_them() -> None:
    def neighbours(part: int, parts: int) -> list[str]:
        context = pushes.context(FRAME, pushes.Shown(REPOSITORY, part, parts, 0, ()))
        return [str(context[name]) for name in ("older", "newer")]

    assert neighbours(0, 1) == ["", ""]
    assert neighbours(1, 3) == ["0000.html", "0002.html"]
