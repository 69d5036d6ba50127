"""`_relations.json` of a run: schema mtsite/relations/1, published in docs/schemas.

Complete where pages are cut: every edge with the verdicts at its ends, levels, cycles, and of
each test that never began what kept it from it. Attempts at one test are edges, too.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from mtsite import urls
from mtsite.model import Run, Test, TestName
from mtsite.pages.beside import RunLink, TestLink
from mtsite.pages.place import run_label
from mtsite.pages.relations import Relations
from mtsite.provenance import provenance_of
from mtsite.relations import RETRY, Edge
from mtsite.rollup import ABSENT

SCHEMA = "mtsite/relations/1"
_ATTEMPT = re.compile(r"attempt-([1-9][0-9]{0,3})")
_LONE = re.compile("[\ud800-\udfff]")


def document(relations: Relations, runs: Sequence[RunLink] = ()) -> dict[str, object]:
    """All relations of a run, as values that `json.dumps` takes."""
    run = relations.run
    ranked = relations.order
    return {
        "schema": SCHEMA,
        "area": _text(run.key.area),
        "target": [_text(value) for value in run.key.target],
        "runname": _text(run.key.runname),
        "address": urls.run_page(run.key),
        "edges": [_edge(run, relations, edge) for edge in relations.edges],
        "cut": relations.cut,
        "attempts": list(attempts_of(run)),
        "levels": [[_text(name) for name in level] for level in ranked.levels],
        "cycles": [[_text(name) for name in cycle] for cycle in ranked.cycles],
        "circular": sorted(map(_text, ranked.circular)),
        "unknown": [_text(name) for name in relations.unknown],
        "runs": [_run(one) for one in runs],
        "elsewhere": [_elsewhere(one) for one in relations.elsewhere],
        "builds": list(_builds(run)),
        "never_began": list(_never_began(relations)),
    }


def has_any(relations: Relations, runs: Sequence[RunLink] = ()) -> bool:
    """Whether there is something to tell of."""
    own = relations.edges or relations.elsewhere or relations.unknown
    return bool(runs or own or any(attempts_of(relations.run)))


def _run(link: RunLink) -> dict[str, str]:
    return {
        "kind": link.kind,
        "end": "from" if link.back else "to",
        "run": _text(link.text),
        "address": link.page,
        "verdict": link.letter,
    }


def _elsewhere(link: TestLink) -> dict[str, object]:
    other = {
        **_name(link.other),
        "run": _text(run_label(link.run)),
        "address": link.page,
        "verdict": "" if link.letter == ABSENT else link.letter,
    }
    return {
        "test": _name(link.own),
        "kind": link.kind,
        "end": "from" if link.back else "to",
        "other": other,
    }


def _builds(run: Run) -> Iterator[dict[str, str]]:
    """Each build that a run names has a page."""
    found = provenance_of(run.attributes)
    for one in found.builds:
        yield {"id": _text(one.id), "address": urls.build_page(found.repository, one.id)}


def _edge(run: Run, relations: Relations, edge: Edge) -> dict[str, object]:
    return {
        "from": _end(run, relations, edge.source),
        "to": _end(run, relations, edge.target),
        "kind": edge.kind,
        "how": edge.how,
    }


def _end(run: Run, relations: Relations, name: TestName) -> dict[str, str]:
    there = name in relations.rows
    letter = relations.letter(name)
    return {
        **_name(name),
        "address": urls.test_page(run.key, name) if there else "",
        "verdict": "" if letter == ABSENT else letter,
    }


def attempts_of(run: Run) -> Iterator[dict[str, object]]:
    """Each further attempt at a test with the one that it repeats: steps `attempt-N`."""
    for test in run.tests:
        numbers = _attempts(test) if len(test.steps) > 1 else ()
        for before, after in pairwise(numbers):
            yield {
                **_name(test.name),
                "kind": RETRY,
                "from": f"attempt-{after}",
                "to": f"attempt-{before}",
            }


def _attempts(test: Test) -> Sequence[int]:
    found = (_ATTEMPT.fullmatch(step.name) for step in test.steps)
    return sorted({int(match[1]) for match in found if match})


def _never_began(relations: Relations) -> Iterator[dict[str, object]]:
    for name in sorted(relations.rows):
        causes = [
            {"first": _name(cause.first), "by": _name(cause.by), "steps": cause.steps}
            for cause in relations.causes(name)
        ]
        if causes:
            yield {**_name(name), "causes": causes}


def _name(name: TestName) -> dict[str, str]:
    return {"testname": _text(name[0]), "item_path": _text(name[1])}


def _text(text: str) -> str:
    return text if text.isascii() else _LONE.sub("\ufffd", text)
