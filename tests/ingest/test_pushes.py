"""`ingest pushes`: logs of git and pushlogs of Mercurial become the pushes of a repository."""

import json
from pathlib import Path

import pytest

from mtsite.errors import BusyError, MissingError, RefusedFileError
from mtsite.ingest.pushes import PushesSummary, ingest_pushes
from mtsite.objects.gitlog import read_git_log
from mtsite.objects.hgpushlog import read_hg_pushlog
from mtsite.objects.shape import ObjectError
from mtsite.pushlog import file_of, read_pushlog

PLAIN = """\
commit {a} (HEAD -> main, origin/main)
Merge: 1111111 2222222
Author: Ann Lee <ann@example.com>
Date:   Thu Nov 19 22:15:13 2026 +0100

    Third

    Its second paragraph.

commit {b}
Author: Bo <bo@example.com>
Date:   2026-11-18 10:00:00 +0000

    Second
"""
A, B, C, D, E = (letter * 40 for letter in "abcde")


class Place:
    def __init__(self, root: Path) -> None:
        self.root = root

    def take(self, *texts: str, repository: str = "chip", dry_run: bool = False) -> PushesSummary:
        paths = []
        for number, text in enumerate(texts):
            paths.append(self.root / f"{number}.txt")
            paths[-1].write_text(text, encoding="utf-8")
        return ingest_pushes(self.root, repository, paths, dry_run=dry_run)

    def heads(self, repository: str = "chip") -> list[str]:
        return [p.revision for p in read_pushlog(file_of(self.root, repository)).pushes]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def line(revision: str, *parents: str, when: int = 1, subject: str = "s") -> str:
    return f"{revision}\t{' '.join(parents)}\t{when}\tAnn\t{subject}\n"


def hg(*numbers: int) -> str:
    told = {
        str(n): {"changesets": [f"{n:040x}"], "date": 1_790_000_000 + n, "user": "bo"}
        for n in numbers
    }
    return json.dumps(told)


def test_a_log_of_git_is_told_newest_first_and_kept_oldest_first(place: Place) -> None:
    done = place.take(line(C, B) + line(B, A) + line(A))
    assert (done.told, done.added, done.pushes) == (3, 3, 3)
    assert place.heads() == [A, B, C]


def test_a_merge_is_one_push_of_all_that_it_brings_in() -> None:
    pushes = read_git_log(line(E, B, D) + line(D, C) + line(C, A) + line(B, A) + line(A))
    assert [[one.revision for one in push.commits] for push in pushes] == [[A], [B], [C, D, E]]


def test_a_log_as_git_prints_it_without_a_format_is_one_push_per_commit() -> None:
    second, third = read_git_log(PLAIN.format(a=A, b=B))
    assert (second.revision, second.author, second.time) == (B, "Bo", 1_794_996_000)
    assert (third.revision, third.author, third.time) == (A, "Ann Lee", 1_795_122_913)
    assert third.commits[0].message == "Third\n\nIts second paragraph."


def test_a_line_of_another_form_is_refused_with_its_number(place: Place) -> None:
    with pytest.raises(RefusedFileError, match=r"0\.txt: line 2: not of the form"):
        place.take(line(A) + "and so on\n")
    with pytest.raises(RefusedFileError, match="neither a log of git nor a pushlog"):
        place.take("hello")


def test_a_log_that_goes_round_in_a_circle_ends() -> None:
    (push,) = read_git_log(line(B, A) + line(A, B))
    assert {one.revision for one in push.commits} == {A, B}


@pytest.mark.parametrize("version", [1, 2])
def test_a_pushlog_of_mercurial_is_in_the_order_of_its_numbers(version: int) -> None:
    full = {"node": B, "author": "cy", "desc": "Fix\n\nmore"}
    told = {
        "10": {"changesets": [A, full], "date": 20, "user": "bo"},
        "9": {"changesets": [C], "date": 10, "user": "ann"},
    }
    text = json.dumps(told if version == 1 else {"lastpushid": 10, "pushes": told})
    nine, ten = read_hg_pushlog(text)
    assert (nine.id, nine.revision, nine.author, nine.time) == ("9", C, "ann", 10)
    assert (ten.revision, ten.commits[1].author, ten.commits[1].message) == (B, "cy", "Fix\n\nmore")


NO_PUSHLOGS = """{ | [] | {} | {"x": {}} | {"1": {"changesets": []}} | {"1": {"changesets": [1]}}
| {"1": {"changesets": [{}]}} | {"1": 5}"""


LONG = '{"%s": {"changesets": ["ab"]}}' % ("1" * 5000)


@pytest.mark.parametrize("text", [*NO_PUSHLOGS.split("|"), "[" * 100_000, LONG])
def test_what_is_no_pushlog_is_refused(text: str) -> None:
    with pytest.raises(ObjectError):
        read_hg_pushlog(text)


def test_the_same_files_again_change_nothing(place: Place) -> None:
    place.take(hg(1, 2))
    path = file_of(place.root, "chip")
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert place.take(hg(2, 1)).added == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_older_pushes_that_come_later_stand_before(place: Place) -> None:
    place.take(hg(8, 9))
    place.take(hg(1, 2, 12))
    assert place.heads() == [f"{n:040x}" for n in (1, 2, 8, 9, 12)]
    place.take(line(D, C, when=40) + line(C, B, when=30), repository="git")
    place.take(line(B, A, when=20) + line(A, when=10), repository="git")
    assert place.heads("git") == [A, B, C, D]


def test_a_rehearsal_writes_nothing(place: Place) -> None:
    assert place.take(hg(1), dry_run=True).added == 1
    assert not (place.root / "pushes").exists()


def test_repositories_with_slashes_and_dots_stay_inside(place: Place) -> None:
    for name in ("../../up", "a/b", ".hidden", "/etc/passwd", "n" * 300):
        place.take(hg(1), repository=name)
        (found,) = [
            one
            for one in map(read_pushlog, (place.root / "pushes").glob("*.jsonl"))
            if one.repository == name
        ]
        assert len(found.pushes) == 1
    assert {path.parent.name for path in place.root.rglob("*.jsonl")} == {"pushes"}


def test_a_file_with_a_line_that_cannot_be_read_is_not_written_over(place: Place) -> None:
    place.take(hg(1))
    path = file_of(place.root, "chip")
    path.write_text(f"{path.read_text()}not json\n")
    with pytest.raises(RefusedFileError, match=r"pushes/chip\.jsonl:3"):
        place.take(hg(2))
    assert "not json" in path.read_text()


def test_one_writes_at_a_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from mtsite import lock
    from mtsite.ingest import pushes

    monkeypatch.setattr(pushes, "LOCK_SECONDS", 0)
    (place.root / "pushes").mkdir()
    with lock.hold(place.root / "pushes", "pushes", "another"), pytest.raises(BusyError):
        place.take(hg(1))


def test_a_file_that_is_not_there_is_named(place: Place) -> None:
    with pytest.raises(MissingError, match=r"nowhere\.txt"):
        ingest_pushes(place.root, "chip", [place.root / "nowhere.txt"])
