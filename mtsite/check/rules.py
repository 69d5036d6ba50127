"""What is judged, and a finding."""

from typing import NamedTuple

RULES = {
    "links": "every link of a page leads to a file of the site",
    "fragments": "the place on a page that a link names is there",
    "secrets": "nothing that the rules of redaction would mask",
    "budgets": "no page, style or script larger than [check] allows",
    "csp": "the strict policy, and nothing that it forbids: inline script or style, other hosts",
    "schemas": "every JSON file and every shard keeps its schema",
    "orphans": "no file that no build made, no page that no other leads to",
    "landmarks": "language, title, one heading, main part, and no id twice",
}
"""Rule → what it asks for, in the order in which findings are told."""


class Finding(NamedTuple):
    """What is wrong with one file of the tree; `path` is relative to it."""

    rule: str
    path: str
    told: str


class PageIds(NamedTuple):
    """The places of a page: its names, and those of its lines as `first` to `last` or a set."""

    names: frozenset[str] = frozenset()
    lines: tuple[int, ...] = ()
    is_span: bool = False

    def holds(self, fragment: str) -> bool:
        """Whether a fragment finds its place: a name, a line, or the first line of several."""
        if fragment in self.names:
            return True
        first, dash, last = fragment.partition("-")
        if not first.startswith("L") or not first[1:].isdigit() or len(first) > 12:
            return False
        if dash and not last.removeprefix("L").isdigit():
            return False
        line = int(first[1:])
        return self.lines[0] <= line <= self.lines[1] if self.is_span else line in self.lines
