"""Every dialect of JUnit XML: what it says, as tests, items and outcomes."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mtsite import spelled as values
from mtsite.errors import OtherFormatError, RefusedFileError
from mtsite.junit.read import Group, Item, read_file
from mtsite.junit.text import Text


@dataclass
class Kept:
    items: list[Item] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    properties: list[tuple[str, str]] = field(default_factory=list)

    def item(self, item: Item) -> None:
        self.items.append(item)

    def group(self, group: Group) -> None:
        self.groups.append(group)

    def run(self, properties: list[tuple[str, str]]) -> None:
        self.properties = properties

    @property
    def names(self) -> list[tuple[str, str, str]]:
        return [(item.test, item.name, item.outcome) for item in self.items]


def read(document: str | bytes, spool: Path = Path("/nowhere")) -> Kept:
    kept = Kept()
    content = document.encode() if isinstance(document, str) else document
    read_file(io.BytesIO(content), "x.xml", spool, kept)
    return kept


DIALECTS = {
    "pytest": (
        '<testsuites><testsuite name="pytest" timestamp="2026-01-02T03:04:05+00:00" hostname="h">'
        '<testcase classname="tests.test_a.TestB" name="test_c[1/2]" time="0.5"/>'
        '<testcase classname="test_top" name="test_top" time="0.5">'
        '<error message="failed on setup">tb</error></testcase></testsuite></testsuites>',
        [
            ("tests.test_a.TestB", "test_c[1/2]", "passed"),
            ("test_top", "test_top", "error"),
        ],
    ),
    "nose, without <testsuites>": (
        '<testsuite name="nosetests"><testcase classname="t.T" name="test_a" time="0">'
        '<failure type="AssertionError" message="no">tb</failure></testcase></testsuite>',
        [("t.T", "test_a", "failed")],
    ),
    "unittest: the group's name has a time": (
        '<testsuites><testsuite name="tests.T-20260102030405">'
        '<testcase classname="tests.T" name="test_a"/></testsuite></testsuites>',
        [("tests.T", "test_a", "passed")],
    ),
    "Surefire": (
        '<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="org.x.FooTest"'
        ' time="1,234.5"><testcase name="bar" classname="org.x.FooTest" time="1,234.5">'
        '<skipped message="not now"/></testcase></testsuite>',
        [("org.x.FooTest", "bar", "skipped")],
    ),
    "Gradle": (
        '<testsuite name="org.x.FooTest" timestamp="2026-01-02T03:04:05" hostname="ci">'
        '<testcase name="[1] a, b" classname="org.x.FooTest" time="0.1"/>'
        "<system-out><![CDATA[all of it]]></system-out></testsuite>",
        [("org.x.FooTest", "[1] a, b", "passed")],
    ),
    "GoogleTest": (
        '<testsuites name="AllTests"><testsuite name="Foo">'
        '<testcase name="Bar" status="run" result="completed" classname="Foo"/>'
        '<testcase name="DISABLED_Baz" status="notrun" result="suppressed" classname="Foo"/>'
        "</testsuite></testsuites>",
        [("Foo", "Bar", "passed"), ("Foo", "DISABLED_Baz", "skipped")],
    ),
    "Catch2": (
        '<testsuites><testsuite name="unit"><testcase classname="unit.global" name="a/section">'
        '<failure message="x == 1" type="REQUIRE">FAILED:</failure></testcase>'
        "</testsuite></testsuites>",
        [("unit.global", "a/section", "failed")],
    ),
    "CTest": (
        '<testsuite name="Linux-c++" tests="2"><testcase name="t1" classname="t1" status="run">'
        '<system-out>ok</system-out></testcase><testcase name="t2" classname="t2" status="fail">'
        '<failure message="SEGFAULT"/></testcase></testsuite>',
        [("Linux-c++", "t1", "passed"), ("Linux-c++", "t2", "failed")],
    ),
    "Jest": (
        '<testsuites name="jest tests"><testsuite name="sum">'
        '<testcase classname="sum adds 1 + 2" name="sum adds 1 + 2"/></testsuite></testsuites>',
        [("sum", "sum adds 1 + 2", "passed")],
    ),
    "Mocha": (
        '<testsuites name="Mocha Tests"><testsuite name="Array #indexOf()">'
        '<testcase name="Array #indexOf() returns -1" classname="returns -1"/>'
        "</testsuite></testsuites>",
        [("Array #indexOf()", "Array #indexOf() returns -1", "passed")],
    ),
    "Node": (
        '<testsuites><testcase name="alone" classname="test"/><testsuite name="outer">'
        '<testsuite name="inner"><testcase name="deep" classname="test"/></testsuite>'
        "</testsuite></testsuites>",
        [("test", "alone", "passed"), ("outer > inner", "deep", "passed")],
    ),
    "Go": (
        '<testsuites><testsuite name="example.org/x/db"><properties>'
        '<property name="go.version" value="1.22"/></properties>'
        '<testcase classname="db" name="TestOpen/read_only"/></testsuite></testsuites>',
        [("example.org/x/db", "TestOpen/read_only", "passed")],
    ),
    "PHPUnit, nested": (
        '<testsuites><testsuite name="phpunit.xml"><testsuite name="App\\FooTest">'
        '<testsuite name="App\\FooTest::testX"><testcase name="testX with data set #0"'
        ' class="App\\FooTest" classname="App.FooTest" file="/x/FooTest.php" line="12"'
        ' assertions="3" time="0.01"/></testsuite></testsuite></testsuite></testsuites>',
        [("App.FooTest", "testX with data set #0", "passed")],
    ),
    "Robot": (
        '<testsuite name="Login"><testsuite name="Valid"><testcase classname="Login.Valid"'
        ' name="Valid Login" time="2"/></testsuite></testsuite>',
        [("Login.Valid", "Valid Login", "passed")],
    ),
    "TestNG": (
        '<testsuite name="org.x.T" time="0.0"><testcase name="a" classname="org.x.T">'
        '<error type="java.lang.NullPointerException">trace</error></testcase></testsuite>',
        [("org.x.T", "a", "error")],
    ),
    "a prefix for names": (
        '<j:testsuite xmlns:j="urn:x" name="s"><j:testcase name="a" classname="s">'
        '<j:failure message="m"/></j:testcase></j:testsuite>',
        [("s", "a", "failed")],
    ),
    "no names at all": (
        "<testsuite><testcase/></testsuite>",
        [("(no name)", "(no name)", "passed")],
    ),
    "a group that fails itself": (
        '<testsuite name="s"><error message="no such class"/></testsuite>',
        [("s", "(outside of all items)", "error")],
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_tests_items_and_outcomes(dialect: str, tmp_path: Path) -> None:
    document, expected = DIALECTS[dialect]
    assert read(document, tmp_path).names == expected


def test_times_run_on_through_a_group() -> None:
    kept = read(DIALECTS["pytest"][0])
    first, second = kept.items
    assert second.start == (first.start or 0) + 0.5
    assert first.hostname == second.hostname == "h"


def test_reruns_of_surefire_and_nextest_are_attempts(tmp_path: Path) -> None:
    (flaky, failed) = read(
        '<testsuite name="s"><testcase name="a" classname="s"><flakyFailure message="once"'
        ' type="E"><stackTrace><![CDATA[at x]]></stackTrace><system-out>said</system-out>'
        '</flakyFailure></testcase><testcase name="b" classname="s"><failure message="1st">at y'
        '</failure><rerunError message="2nd"><stackTrace>at z</stackTrace></rerunError>'
        "<system-out>of the item</system-out></testcase></testsuite>",
        tmp_path,
    ).items
    assert flaky.outcome == "passed"
    (attempt,) = flaky.attempts
    assert (attempt.message, attempt.text.head()) == ("once", "at x")
    assert [text.head() for _kind, text in attempt.outputs] == ["said"]
    assert flaky.outputs == []
    assert (failed.outcome, [one.kind for one in failed.attempts]) == ("failed", ["error"])
    assert [text.head() for _kind, text in failed.outputs] == ["of the item"]


def test_properties_belong_to_what_they_stand_in(tmp_path: Path) -> None:
    kept = read(
        '<testsuites><properties><property name="a" value="1"/></properties><testsuite name="s">'
        '<properties><property name="b">two\nlines</property></properties><testcase name="i"'
        ' line="3"><properties><property name="c" value=""/></properties></testcase>'
        "</testsuite></testsuites>",
        tmp_path,
    )
    assert kept.properties == [("a", "1")]
    assert kept.groups[0].properties == [("b", "two\nlines")]
    assert kept.items[0].properties == [("c", "")]
    assert kept.items[0].attributes == {"line": "3"}


BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE x [\n<!ENTITY a "aaaaaaaaaa">\n'
    '<!ENTITY b "&a;&a;&a;&a;&a;">]>\n<testsuite><testcase name="&b;"/></testsuite>'
)


@pytest.mark.parametrize(
    ("document", "line", "why"),
    [
        (BOMB, 3, "entities of its own"),
        ('<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><testsuite/>', 1, "entities"),
        ('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://h/x.dtd"> %p;]><testsuite/>', 1, "entities"),
        ('<!DOCTYPE x SYSTEM "http://h/x.dtd">\n<testsuite>&f;</testsuite>', 2, "other files"),
        ("<testsuite>\n<testcase name='a'>", 2, "no element|unclosed|no element found"),
        ("<testsuite>\n<testcase></testsuite>", 2, "mismatched tag"),
        ("<testsuite>\n\n<testcase name='\x01'/></testsuite>", 3, "not well-formed"),
        ("", 1, "no element found"),
        ("<testsuite>" * 101, 1, "nested deeper"),
        (b"\xff\xfe\x00", 1, ""),
        (b"<testsuite>\n\xff</testsuite>", 2, "not well-formed"),
    ],
)
def test_what_is_wrong_or_unsafe_is_refused_with_its_line(
    document: str | bytes, line: int, why: str
) -> None:
    with pytest.raises(RefusedFileError, match=rf"(?s)^x\.xml, line {line}: .*({why})"):
        read(document)


def test_a_tag_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(RefusedFileError, match="one tag of more than 16 MB"):
        read(b"<testsuite name='" + b"x" * (17 << 20))


def test_another_kind_of_xml_is_told_from_a_broken_one() -> None:
    with pytest.raises(OtherFormatError, match="begins with <coverage>"):
        read('<coverage line-rate="1"/>')


def test_an_encoding_is_respected() -> None:
    document = '<?xml version="1.0" encoding="iso-8859-1"?><testsuite name="é"><testcase name="ü"/>'
    assert read((document + "</testsuite>").encode("latin-1")).names == [("é", "ü", "passed")]


def test_a_doctype_without_entities_is_harmless() -> None:
    assert read('<!DOCTYPE testsuite><testsuite name="s"><testcase name="a"/></testsuite>').items


@given(st.lists(st.text(max_size=30), max_size=8))
@example(["a long line that ends as they do on Windows\r\n", "b\r"])
def test_a_text_is_whole_however_it_came(pieces: list[str]) -> None:
    pieces = [piece.encode("utf-8", "replace").decode() for piece in pieces]
    with TemporaryDirectory() as held:
        text = Text(Path(held), limit=40)
        for piece in pieces:
            text.add(piece)
        assert text.head()[:40] == "".join(pieces)[:40]
        assert text.whole() == "".join(pieces)
        out = Path(held) / "out"
        with out.open("w", encoding="utf-8", newline="") as file:
            text.append_to(file)
        assert out.read_bytes().decode() == "".join(pieces)
        assert [path.name for path in Path(held).iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [("1.5", 1.5), ("1,234.5", 1234.5), ("0.2s", 0.2), ("-1", 0.0), ("nan", None), ("soon", None)],
)
def test_durations_in_the_spellings_in_use(told: str, expected: float | None) -> None:
    assert values.seconds(told) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("1970-01-01T00:01:00", 60),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:01.250Z", 1.25),
        ("20:14:03", None),
        ("", None),
    ],
)
def test_times_in_the_spellings_in_use(told: str, expected: float | None) -> None:
    assert values.moment(told) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [("12", 12), ("1.5", 1.5), ("007", "007"), ("1e5", "1e5"), ("x", "x"), ("inf", "inf")],
)
def test_a_number_is_one_only_if_its_text_survives(told: str, expected: object) -> None:
    assert values.number(told) == expected
