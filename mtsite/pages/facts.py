"""What a dialect knows of a log beyond findings, as tables: steps, sections, groups, rules.

Facts come from records of any edition: what is missing or of another kind is left out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mtsite.model import LogRecord
from mtsite.pages import words

MAX_ROWS = 300
OPEN_ROWS = 12
"""A longer table is folded."""

Cell = tuple[str, str]
"""(class of the cell, text)."""


class FactRow(NamedTuple):
    """One row: verdict style and symbol, the line that it stands on (0: none), and its cells."""

    style: str
    symbol: str
    line: int
    cells: tuple[Cell, ...]


class FactTable(NamedTuple):
    """A table of facts; `lead` sums it up, `total` counts rows that are left out, too."""

    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[FactRow, ...]
    total: int


def fact_tables(log: LogRecord) -> tuple[FactTable, ...]:
    """The tables of one log, empty ones left out."""
    made = _TABLES.get(log.dialect)
    return tuple(table for table in made(log.facts) if table.rows) if made else ()


def shown_facts(log: LogRecord, page: str = "") -> tuple[dict[str, object], ...]:
    """The same for a template; `page` is the link to the log's page, '' on that page itself.

    Rows of a log that has no page link nowhere.
    """

    def links(row: FactRow) -> bool:
        return bool(row.line and log.blob)

    return tuple(
        {
            "title": table.title,
            "lead": table.lead,
            "columns": table.columns,
            "rows": tuple(
                (row.style, row.symbol, f"{page}#L{row.line}" if links(row) else "", row.cells)
                for row in table.rows
            ),
            "total": table.total,
            "folded": len(table.rows) > OPEN_ROWS,
        }
        for table in fact_tables(log)
    )


def fact_lines(log: LogRecord) -> tuple[int, ...]:
    """The lines that rows link to: they must stand on the log's page."""
    return tuple(row.line for table in fact_tables(log) for row in table.rows if row.line)


def _migration(facts: Mapping[str, Any]) -> Iterable[FactTable]:
    steps = _maps(facts, "steps")
    wrong = sum(step.get("verdict") != "ok" for step in steps)
    lead = [words.plural(_count(facts, "step_count", steps), "step"), f"{wrong} not ok"]
    if dataset := _text(facts.get("dataset")):
        lead.insert(0, f"dataset {dataset}")
    if (final := facts.get("final_schema")) is not None:
        expected = facts.get("expected_schema")
        lead.append(f"final schema {final}" + (f", expected {expected}" if expected else ""))
    yield _table(
        "Migrations",
        lead,
        ("step", "start", "took", "limit", "read", "changed", "verdict"),
        steps,
        _migration_row,
        _count(facts, "step_count", steps),
    )
    parts = _maps(facts, "sections")
    yield _table(
        "Sections",
        [words.plural(len(parts), "section")],
        ("section", "took", "to line"),
        parts,
        lambda part: _row(
            "x",
            part,
            ("", _text(part.get("title"))),
            ("num", _seconds(part.get("duration_s"))),
            ("num", _text(part.get("line_end")) or "no end"),
        ),
        _count(facts, "section_count", parts),
    )


def _migration_row(step: Mapping[str, Any]) -> FactRow:
    verdict = _text(step.get("verdict"))
    return _row(
        "P" if verdict == "ok" else "F",
        step,
        ("", f"{_text(step.get('from'))} → {_text(step.get('to'))}"),
        ("dim", _text(step.get("start"))),
        ("num", _seconds(step.get("duration_s"))),
        ("num dim", _seconds(step.get("limit_s"))),
        ("num", _text(step.get("rows_read"))),
        ("num", _text(step.get("rows_changed"))),
        ("", verdict),
    )


def _mozharness(facts: Mapping[str, Any]) -> Iterable[FactTable]:
    steps = _maps(facts, "steps")
    yield _table(
        "Steps",
        [words.plural(_count(facts, "step_count", steps), "step")],
        ("step", "started", "took", "errors", "result"),
        steps,
        lambda step: _row(
            _RESULTS.get(_text(step.get("result")), "F"),
            step,
            ("", _text(step.get("name"))),
            ("dim", _text(step.get("started"))[:19]),
            ("num", _seconds(step.get("duration_s"))),
            ("num", _text(step.get("error_count") or "")),
            ("", _text(step.get("result"))),
        ),
        _count(facts, "step_count", steps),
    )
    details = _maps(facts, "job_details")
    yield _table(
        "Job details",
        [words.plural(len(details), "line")],
        ("title", "value", "address"),
        details,
        lambda one: _row("x", one, *(("", _text(one.get(key))) for key in _DETAIL)),
        len(details),
    )


def _errorsummary(facts: Mapping[str, Any]) -> Iterable[FactTable]:
    groups = _maps(facts, "groups")
    statuses = facts.get("statuses")
    lead = [f"{n} {name}" for name, n in statuses.items()] if isinstance(statuses, dict) else []
    yield _table(
        "Test groups",
        lead,
        ("group", "took", "status"),
        sorted(groups, key=lambda group: group.get("status") != "ERROR"),
        lambda group: _row(
            _GROUPS.get(_text(group.get("status")), "x"),
            group,
            ("", _text(group.get("name"))),
            ("num", _seconds(group.get("duration_s"))),
            ("", _text(group.get("status")) or "unknown"),
        ),
        _count(facts, "group_count", groups),
    )


def _logpro(facts: Mapping[str, Any]) -> Iterable[FactTable]:
    rules = _maps(facts, "rules")
    lead = [words.plural(_count(facts, "rule_count", rules), "rule")]
    lead.append(f"{_text(facts.get('failed_count') or 0)} failed")
    if facts.get("exit_code") is not None:
        lead.append(f"exit {_text(facts['exit_code'])} ({_text(facts.get('status'))})")
    yield _table(
        "logpro",
        lead,
        ("rule", "type", "section", "description", "expected", "got", "status"),
        rules,
        lambda rule: _row(
            "P" if rule.get("status") == "OK" else _RULES.get(_text(rule.get("type")), "F"),
            rule,
            *(("", _text(rule.get(key))) for key in _RULE),
        ),
        _count(facts, "rule_count", rules),
    )


_TABLES: Mapping[str, Callable[[Mapping[str, Any]], Iterable[FactTable]]] = {
    "migration": _migration,
    "mozharness": _mozharness,
    "errorsummary": _errorsummary,
    "logpro": _logpro,
}
_DETAIL = ("title", "value", "url")
_RULE = ("rule", "type", "section", "description", "expected", "measured", "status")
_RESULTS = {"success": "P", "unknown": "x", "skipped": "S", "retry": "W"}
_GROUPS = {"OK": "P", "ERROR": "F", "SKIP": "S"}
_RULES = {"warning": "W", "required-warn": "W", "check": "C", "waive": "V", "skip": "S"}


def _table(
    title: str,
    lead: Sequence[str],
    columns: tuple[str, ...],
    found: Sequence[Mapping[str, Any]],
    row: Callable[[Mapping[str, Any]], FactRow],
    *total: int,
) -> FactTable:
    rows = tuple(row(one) for one in found[:MAX_ROWS])
    return FactTable(title, ", ".join(lead), columns, rows, *total)


def _row(letter: str, one: Mapping[str, Any], *cells: Cell) -> FactRow:
    style, symbol, _ = words.mark(letter)
    line = one.get("line_start", one.get("line"))
    number = line if isinstance(line, int) and line > 0 else 0
    return FactRow(style, symbol if letter != "x" else "", number, cells)


def _maps(facts: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = facts.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _count(facts: Mapping[str, Any], key: str, found: Sequence[object]) -> int:
    count = facts.get(key)
    return count if isinstance(count, int) and count > len(found) else len(found)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _seconds(value: object) -> str:
    return words.duration(value) if isinstance(value, int | float) else ""
