import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs.families import built_in
from mtsite.logs.scan import scan
from mtsite.model import LogRecord
from mtsite.pages.facts import MAX_ROWS, FactTable, fact_lines, fact_tables, shown_facts

DATA = Path(__file__).parents[1] / "data"
DIALECTS = ("migration", "mozharness", "errorsummary", "logpro")


def record(dialect: str, facts: Mapping[str, Any], blob: str = "_blobs/x.log") -> LogRecord:
    return LogRecord("a.log", "file", blob=blob, dialect=dialect, facts=facts)


def real(path: Path) -> LogRecord:
    content = path.read_bytes()
    judged = scan(gzip.decompress(content) if path.suffix == ".gz" else content, built_in())
    return record(judged.dialect, judged.facts)


def cells(table: FactTable, row: int) -> list[str]:
    return [text for _, text in table.rows[row].cells]


def test_a_migrations_steps_are_rows_that_link_to_their_lines() -> None:
    steps, _ = fact_tables(real(DATA / "turbo-hipster" / "user_001.log.gz"))
    assert (steps.title, steps.lead) == ("Migrations", "5 steps, 0 not ok")
    assert cells(steps, 1)[0] == "134 → 135"
    content = gzip.decompress((DATA / "turbo-hipster" / "user_001.log.gz").read_bytes())
    line = content.splitlines()[steps.rows[1].line - 1].decode()
    assert line.startswith(cells(steps, 1)[1]) and "134 -> 135..." in line


def test_a_step_that_is_not_ok_is_marked() -> None:
    step = {"from": 1, "to": 2, "verdict": "too-long", "line_start": 7, "duration_s": 75}
    (table,) = fact_tables(record("migration", {"steps": [step]}))
    assert (table.rows[0].style, cells(table, 0)[2], cells(table, 0)[-1]) == (
        *("F", "1\u202fm 15\u202fs", "too-long"),
    )
    assert table.lead == "1 step, 1 not ok"


def test_steps_of_a_mozharness_log_are_rows() -> None:
    log = real(DATA / "treeherder" / "steps" / "crash-1.txt.gz")
    steps, details = fact_tables(log)
    assert (steps.title, len(steps.rows)) == ("Steps", 5)
    assert details.title == "Job details"


def test_groups_that_failed_come_first() -> None:
    path = DATA / "treeherder" / "errorsummary" / "mochitest-browser-chrome_errorsummary.log"
    (groups,) = fact_tables(real(path))
    assert [cells(groups, n)[-1] for n in range(4)] == ["ERROR", "ERROR", "ERROR", "OK"]
    assert groups.lead == "3 ERROR, 26 OK"


def test_rules_of_logpro_are_rows() -> None:
    rule = {"rule": "rule-1", "type": "warning", "status": "FAIL", "line": 9, "measured": "2"}
    facts = {"exit_code": 2, "status": "WARN", "rules": [rule], "failed_count": 1}
    (table,) = fact_tables(record("logpro", facts))
    assert table.lead == "1 rule, 1 failed, exit 2 (WARN)"
    assert (table.rows[0].style, table.rows[0].line) == ("W", 9)


def test_a_long_table_is_folded_and_cut_and_says_so() -> None:
    steps = [{"from": n, "to": n + 1, "verdict": "ok", "line_start": n + 1} for n in range(400)]
    log = record("migration", {"steps": steps, "step_count": 500})
    (shown,) = shown_facts(log)
    assert isinstance(shown["rows"], tuple)
    assert (len(shown["rows"]), shown["total"], shown["folded"]) == (MAX_ROWS, 500, True)
    assert fact_lines(log) == tuple(range(1, MAX_ROWS + 1))


def test_rows_of_a_log_without_a_page_link_nowhere() -> None:
    facts = {"rules": [{"rule": "rule-1", "line": 9, "status": "OK"}]}
    linked = shown_facts(record("logpro", facts), "_log/a.log.html")
    unlinked = shown_facts(record("logpro", facts, blob=""), "")
    assert [one["rows"][0][2] for one in (*linked, *unlinked)] == ["_log/a.log.html#L9", ""]  # type: ignore[index]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "steps step_count sections groups group_count statuses rules rule_count job_details"
                " line line_start duration_s verdict status exit_code final_schema started".split()
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(facts=JSON)
def test_facts_of_any_shape_break_no_page(dialect: str, facts: object) -> None:
    log = record(dialect, facts if isinstance(facts, dict) else {"steps": facts})
    for table in shown_facts(log):
        assert table["title"]
