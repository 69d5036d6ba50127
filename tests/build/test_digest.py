import pytest

from mtsite.build import digest


def test_equal_values_have_one_fingerprint() -> None:
    values = ("name", [1, 2.5, None], (True, ""))
    assert digest.of_page(*values) == digest.of_page("name", [1, 2.5, None], (True, ""))


@pytest.mark.parametrize("other", ["1", 1.0, True, None, [1], 2**70, "\udcff", float("nan")])
def test_values_that_a_page_shows_apart_have_fingerprints_of_their_own(other: object) -> None:
    assert digest.of_page(other) != digest.of_page(1)


def test_names_that_are_no_text_have_fingerprints_of_their_own() -> None:
    assert digest.of_page("a\udcff") != digest.of_page("a\udcfe")
