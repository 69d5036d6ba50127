"""What a page shows of attachments that were made to make it large, or to say something else."""

import time

import pytest
from browser import records
from pages.shown import THEME, context_of_test

from mtsite.attachment import LEFT_OUT, Attachment
from mtsite.pages import attachments, test

LONG = "'" * 4000


def test_hostile_names_and_texts_leave_the_page_small(night: records.Night) -> None:
    many = [
        Attachment(f"{LONG}{n}", "image", "PNG", f"_blobs/{n}", 9, width=9, height=9)
        for n in range(300)
    ]
    many += [
        Attachment(f"{LONG}{n}.html", "page", "HTML", f"_blobs/p{n}", 32_000) for n in range(300)
    ]
    many += [Attachment(f"{LONG}{n}.csv", "csv", "CSV", f"_blobs/c{n}", 99) for n in range(3)]
    many += [Attachment(LONG, LEFT_OUT, note=f"{n}{LONG}") for n in range(300)]
    heads = {f"_blobs/p{n}": b"<" * 32_000 for n in range(3)}
    heads |= {f"_blobs/c{n}": (b'"&",' * 30 + b"\n") * 60 for n in range(3)}
    shown = attachments.shown(many, heads, "")
    whole = context_of_test(night, ("pcie_retry_smoke", "")) | shown
    assert len(THEME.render(test.TEMPLATE, whole)) < 700_000


def test_what_has_no_room_is_counted() -> None:
    many = [Attachment(f"{n:03d}{LONG}", "file", "", f"_blobs/{n}", 9) for n in range(50)]
    shown = attachments.shown(many, {}, "")["attachments"]
    assert isinstance(shown, dict)
    assert 0 < len(shown["files"]) < shown["files_total"] == 50


def test_a_text_whose_blob_is_not_there_is_a_link() -> None:
    one = Attachment("a.txt", "text", blob="_blobs/ab/a.txt", size=9, lines=1)
    shown = attachments.shown([one], {}, "../")["attachments"]
    assert isinstance(shown, dict)
    assert shown["files"] == (("a.txt", "../_blobs/ab/a.txt", "1 line · 9\u202fB"),)


def test_a_table_is_as_wide_as_its_widest_row_and_no_wider() -> None:
    one = Attachment("a.csv", "csv", "CSV", "_blobs/a", 99, lines=3)
    head = b"a,b\n1\n" + b"x," * 40 + b"\n"
    shown = attachments.shown([one], {"_blobs/a": head}, "")["attachments"]
    assert isinstance(shown, dict)
    assert {len(row) for row in shown["parts"][0].rows} == {attachments.TABLE_COLUMNS}


def test_json_with_characters_that_no_page_may_have_is_shown() -> None:
    head = b'{"lone": "\\ud800", "zero": "\\u0000"}'
    one = Attachment("a.json", "json", "JSON", "_blobs/a", len(head), lines=1)
    shown = attachments.shown([one], {"_blobs/a": head}, "")["attachments"]
    assert isinstance(shown, dict)
    assert shown["parts"][0].text.startswith("{")


@pytest.mark.parametrize(
    ("kind", "head", "size", "said"),
    [
        ("csv", b'a,b\n"1\n2\n3",4\n', 0, ""),
        ("csv", b"a,b\n1,2\n", 1 << 20, "the first row"),
        ("csv", b"a,b\n" + b"1,2\n" * attachments.TABLE_ROWS, 0, ""),
        ("csv", b"a,b\n" + b"1,2\n" * 99, 0, f"the first {attachments.TABLE_ROWS} rows"),
        ("text", b"x" * 1000, 1 << 20, "the first line"),
        ("text", b"x\n" * 99, 0, f"the first {attachments.TEXT_LINES} lines"),
    ],
)
def test_what_is_shown_of_a_text_is_said_where_it_is_not_all(
    kind: str, head: bytes, size: int, said: str
) -> None:
    lines = head.count(b"\n")
    one = Attachment("a", kind, blob="_blobs/a", size=size or len(head), lines=lines)
    shown = attachments.shown([one], {"_blobs/a": head}, "")["attachments"]
    assert isinstance(shown, dict)
    assert shown["parts"][0].cut == said


def test_deep_json_costs_no_more_than_what_is_shown_of_it() -> None:
    head = b"[" * 900 + b",".join([b"1"] * 30_000) + b"]" * 900
    one = Attachment("a.json", "json", "JSON", "_blobs/a", len(head), lines=1)
    started = time.process_time()
    shown = attachments.shown([one], {"_blobs/a": head}, "")["attachments"]
    assert time.process_time() - started < 0.5
    assert isinstance(shown, dict)
    assert shown["parts"][0].text.splitlines()[:2] == ["[", "  ["]
