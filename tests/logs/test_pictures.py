"""Pictures: told by their content, measured from headers, freed of all that makes no picture."""

import drawn
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs.pictures import form_of, read_picture


@pytest.mark.parametrize("form", drawn.EVERY)
def test_form_and_size_are_read_from_the_content(form: str) -> None:
    found = read_picture(drawn.EVERY[form](width=640, height=480))
    assert found[:3] == (form, 640, 480)
    assert form_of(found.content) == form


@pytest.mark.parametrize("form", drawn.EVERY)
def test_places_comments_and_what_follows_the_end_go(form: str) -> None:
    content = drawn.png(extra=drawn.PLACE) if form == "PNG" else drawn.EVERY[form]()
    if form != "AVIF":
        content += b"<html><script>alert(1)</script>"
    kept = read_picture(content).content
    assert b"hunter2" in content
    assert not any(what in kept for what in (b"hunter2", b"GPS", b"<script"))


@pytest.mark.parametrize("form", drawn.EVERY)
def test_a_picture_that_was_freed_stays_as_it_is(form: str) -> None:
    kept = read_picture(drawn.EVERY[form]()).content
    assert read_picture(kept).content == kept


def test_what_makes_the_picture_stays() -> None:
    kept = read_picture(drawn.jpeg()).content
    assert all(part in kept for part in (b"JFIF", b"ICC_PROFILE", b"scan\xff\0data\xff\xd9"))
    assert b"NETSCAPE2.0" in read_picture(drawn.gif()).content


def test_a_photo_stays_turned_though_its_exif_goes() -> None:
    found = read_picture(drawn.jpeg(640, 480, turned=6))
    assert found[1:3] == (480, 640)
    assert read_picture(found.content)[1:3] == (480, 640)


@pytest.mark.parametrize(
    ("turned", "size"),
    [
        (drawn.box(b"irot", b"\0"), (640, 480)),
        (drawn.box(b"irot", b"\1"), (480, 640)),
        (drawn.box(b"irot", b"\2"), (640, 480)),
        (drawn.box(b"irot", b"\3"), (480, 640)),
        (drawn.box(b"imir", b"\1"), (640, 480)),
        (drawn.box(b"irot", b"\1") + drawn.box(b"imir", b"\1"), (480, 640)),
    ],
)
def test_an_avif_is_as_large_as_it_is_when_it_is_turned(
    turned: bytes, size: tuple[int, int]
) -> None:
    found = read_picture(drawn.avif(640, 480, turned=turned))
    assert found[1:3] == size
    assert turned in found.content


def test_the_turn_of_what_is_not_shown_turns_nothing() -> None:
    content = drawn.avif(640, 480, turned=drawn.box(b"irot", b"\1"))
    other = content.replace(b"pitm\0\0\0\0\0\1", b"pitm\0\0\0\0\0\2")
    assert other != content
    assert read_picture(other)[1:3] == (640, 480)


@pytest.mark.parametrize("item", [b"Exif", b"mime"])
def test_an_avif_whose_metadata_lies_among_its_pixels_is_refused(item: bytes) -> None:
    with pytest.raises(ValueError, match="can't be taken out"):
        read_picture(drawn.avif(item=item))


def test_boxes_in_boxes_are_followed_no_deeper_than_a_picture_has_them() -> None:
    nested = drawn.box(b"iprp", b"")
    for _ in range(3000):
        nested = drawn.box(b"iprp", nested)
    with pytest.raises(ValueError, match="nothing of its size"):
        read_picture(drawn.box(b"ftyp", b"avif" * 3) + drawn.box(b"meta", bytes(4) + nested))


def test_a_bomb_of_pixels_is_told_from_its_header() -> None:
    assert read_picture(drawn.png(100_000, 100_000)).is_huge
    assert read_picture(drawn.png(20_000, 1)).is_huge
    assert not read_picture(drawn.png(4000, 3000)).is_huge


def test_a_picture_that_breaks_off_is_kept_as_far_as_it_goes() -> None:
    whole = drawn.png(300, 300)
    assert read_picture(whole[:-30]).content == whole[:-30]


@given(st.sampled_from(sorted(drawn.EVERY)), st.data())
def test_a_spoiled_picture_is_one_or_is_refused(form: str, data: st.DataObject) -> None:
    content = bytearray(drawn.EVERY[form]())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    spoiled = bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        found = read_picture(spoiled)
    except ValueError:
        return
    assert found.width > 0 and found.height > 0
