"""One run as one HTML file that needs nothing else: for mail, or to attach to a ticket.

No script, no image, no link but to the site; styles stand in the file, since programs that read
mail take nothing else. Texts become elements of a tree, which escapes them when it is written.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from mtsite import urls
from mtsite.export.runs import ShownRun
from mtsite.model import Attachment, RunKey, RunSummary, TestName
from mtsite.pages import sharing, words
from mtsite.rollup import BAD

MOST_FAILURES = 200
MOST_TESTS = 2_000
MOST_ATTACHMENTS = 12
_STYLE = """
body { max-width: 60em; margin: 2em auto; padding: 0 1em; color: #1d1d1b; background: #fbfaf7;
  font: 15px/1.45 Georgia, "Times New Roman", serif }
table { border-collapse: collapse; font: 13px/1.4 Verdana, "DejaVu Sans", sans-serif }
td, th { padding: .15em 1em .15em 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #ddd }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
.bad { color: #b3261e } .good { color: #1f7a3d } .open { color: #5f6368 }
"""


NOTHING_ATTACHED: Mapping[TestName, Sequence[Attachment]] = MappingProxyType({})


def page(
    shown: ShownRun,
    summary: RunSummary,
    address: str,
    attached: Mapping[TestName, Sequence[Attachment]] = NOTHING_ATTACHED,
) -> str:
    """The whole file. `address` is the run's page on the site, '' where the site has none.

    `attached` are the attachments of tests: those of failed ones are named, and led to.
    """
    assert shown.run is not None
    key = summary.key
    name = "/".join((key.area, *key.target, key.runname))
    root = Element("html", lang="en")
    head, body = SubElement(root, "head"), SubElement(root, "body")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width")
    SubElement(head, "title").text = _plain(f"{name}: {sharing.outcome(summary)}")
    SubElement(head, "style").text = _STYLE
    title = SubElement(body, "h1")
    (SubElement(title, "a", href=address) if address else title).text = _plain(name)
    _lead(body, shown, summary)
    _failures(body, shown, summary, (attached, _root_of(address, key)))
    _tests(body, shown)
    text = ElementTree.tostring(root, encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{text}\n"


def _lead(body: Element, shown: ShownRun, summary: RunSummary) -> None:
    assert shown.run is not None
    _, symbol, word = words.mark(summary.verdict)
    lead = SubElement(body, "p")
    SubElement(lead, "strong").text = f"{symbol} {word}. {sharing.outcome(summary)}"
    rows = [("began", words.when(shown.run.event_time)[1]), ("owner", shown.run.owner)]
    rows += [("comment", shown.run.comment), *shown.run.attributes]
    _table(body, (), [(told, value) for told, value in rows if value])


def _root_of(address: str, key: RunKey) -> str:
    """Where the site begins, '' where it has no address."""
    return address.removesuffix(urls.run_page(key)) if address else ""


def _failures(
    body: Element,
    shown: ShownRun,
    summary: RunSummary,
    attached: tuple[Mapping[TestName, Sequence[Attachment]], str],
) -> None:
    lines = {(one.testname, one.item_path): one.line for one in summary.failures}
    failed = [
        (test, verdict) for test, verdict in shown.tests() if verdict in BAD and not test.toplevel
    ]
    if not failed:
        return
    SubElement(body, "h2").text = _shown("Failures", len(failed), MOST_FAILURES)
    for test, verdict in failed[:MOST_FAILURES]:
        one = SubElement(body, "div")
        SubElement(one, "h3", {"class": "bad"}).text = _plain(
            f"{words.mark(verdict.value)[1]} {_name(test.name)} {test.status}"
        )
        for told in dict.fromkeys((test.comment, lines.get(test.name, ""))):
            if told.strip():
                SubElement(one, "pre").text = _plain(told)
        _attachments(one, attached[0].get(test.name, ()), attached[1])


def _attachments(body: Element, attached: Sequence[Attachment], root: str) -> None:
    """Their names; they lie on the site."""
    stored = [one for one in attached if one.blob][:MOST_ATTACHMENTS]
    if stored:
        line = SubElement(body, "p")
        line.text = "Attachments: "
        for one in stored:
            name = SubElement(line, "a", href=root + one.blob) if root else SubElement(line, "span")
            name.text = _plain(one.name)
            name.tail = f" ({words.size(one.size)}) "


def _tests(body: Element, shown: ShownRun) -> None:
    tests = [(test, verdict) for test, verdict in shown.tests() if not test.toplevel]
    SubElement(body, "h2").text = _shown("Tests", len(tests), MOST_TESTS)
    rows = [
        (
            f"{words.mark(verdict.value)[1]} {words.mark(verdict.value)[2]}",
            _name(test.name),
            words.duration(test.run_duration),
            test.host,
        )
        for test, verdict in tests[:MOST_TESTS]
    ]
    _table(body, ("", "test", "took", "host"), rows)


def _table(body: Element, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = SubElement(body, "table")
    if head:
        line = SubElement(table, "tr")
        for told in head:
            SubElement(line, "th").text = told
    for row in rows:
        line = SubElement(table, "tr")
        for told in row:
            SubElement(line, "td").text = _plain(told)


def _shown(what: str, count: int, most: int) -> str:
    return f"{what}: {count}" if count <= most else f"{what}: the first {most} of {count}"


def _name(name: tuple[str, str]) -> str:
    return "/".join(filter(None, name))


def _plain(text: str) -> str:
    return sharing.printable(text)
