"""`mtsite log`: rules for logs, and logs as they are stored."""

import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from mtsite.amounts import plural
from mtsite.commands.selection import selection_options
from mtsite.errors import UsageError
from mtsite.invocation import Invocation, exits

CHUNK_LINES = 1000

if TYPE_CHECKING:
    from mtsite.config import Config
    from mtsite.logs.families import RuleSet
    from mtsite.logs.stored import Span, Stored
    from mtsite.megatest.activity import RunActivity
    from mtsite.megatest.selection import Selection
    from mtsite.model import RunRecord, RunSummary, TestName


@click.group()
def command() -> None:
    """Logs as they are stored, and the rules that judge them."""


@command.group("rules")
def rules() -> None:
    """The rules that judge logs."""


@rules.command("ls", epilog=exits())
@click.pass_obj
def rules_ls(invocation: Invocation) -> None:
    """All that a rule can say: code, level and title, the site's own first."""
    rule_set = _rule_set(invocation)
    own = [
        (one.name, getattr(one.read, "level", "") or "ignored", one.title) for one in rule_set.own
    ]
    built = [(one.code, one.level, one.title) for _, one in rule_set.catalogue]
    if invocation.as_json:
        names = ("code", "level", "title")
        rows = [dict(zip(names, row, strict=True)) for row in [*own, *built]]
        invocation.print_json("log-rules", {"rules": rows, "faults": rule_set.faults})
    else:
        invocation.print_table([*own, *built])
    for fault in rule_set.faults:
        invocation.report.warn(fault)


@rules.command("test", epilog=exits(10))
@click.option("--family", metavar="NAME", help="Only this family; site: only the site's own.")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.pass_obj
def rules_test(invocation: Invocation, family: str | None, file: Path) -> None:
    """Show which line of a file matches which rule: number, level, rule, text.

    The file is read as a log is: unpacked, its secrets masked, by the settings of this site if
    there is one.
    """
    from mtsite.build.masked import redactor_of
    from mtsite.logs.stored import judge_file

    config = _config(invocation)
    rule_set = _only(_rule_set(invocation), family)
    found, missing = judge_file(file, rule_set, redactor_of(config.redact), config.build.log_cap)
    seen = sorted((*found.findings, *found.warnings), key=lambda one: one.first_line)
    if invocation.as_json:
        document = {
            "file": str(file),
            "dialect": found.dialect,
            "findings": [*map(to_builtins, seen)],
        }
        told = {"faults": found.faults, "missing": missing}
        invocation.print_json("log-rules-test", {**document, **told})
    else:
        for one in seen:
            more = f"-{one.last_line}" if one.last_line > one.first_line else ""
            invocation.print(f"{one.first_line}{more}\t{one.level}\t{one.rule}\t{one.excerpt}")
    for fault in filter(None, (*found.faults, missing and f"{file}: {missing}")):
        invocation.report.warn(fault)
    dialect = f", read as {found.dialect}" if found.dialect else ""
    errors = plural(found.finding_count, "error")
    invocation.report.say(f"{errors}, {plural(found.warning_count, 'warning')}{dialect}")


@command.command("show", epilog=exits(10))
@click.option("--log", "log_name", metavar="FILE", help="This log of the test.")
@click.option("--errors", is_flag=True, help="Only the lines of its findings.")
@click.argument("test", metavar="RUN/TEST[/ITEM]")
@click.argument("lines", required=False, metavar="[LINES]")
@click.pass_obj
def show(
    invocation: Invocation, log_name: str | None, errors: bool, test: str, lines: str | None
) -> None:
    """Print a stored log, or its LINES (120 or 120-180), with their numbers.

    RUN is AREA/KEY1/.../KEYN/RUNNAME. Without --log it is the log that speaks for the test: the one
    with the first failure, else its final log. The run directory isn't asked.
    """
    from mtsite.logs.stored import find_stored, finding_lines, numbered

    stored = find_stored(invocation.config().site.output, test, log_name)
    wanted = finding_lines(stored.log) if errors else [_range(lines)]
    if errors and lines:
        raise UsageError("--errors and LINES exclude each other")
    if lines and wanted[0][0] > stored.log.lines:
        invocation.report.warn(f"{stored.log.name} ends with line {stored.log.lines}")
    rows = numbered(stored, wanted)
    if invocation.as_json:
        listed = [{"number": number, "text": text} for number, text in rows]
        invocation.print_json("log", {**_told(stored), "lines": listed})
        return
    if not log_name and len(stored.others) > 1:
        invocation.report.say(f"{stored.log.name}; --log names another: {', '.join(stored.others)}")
    printed = (f"{number:>6}  {text}" for number, text in rows)
    while chunk := list(islice(printed, CHUNK_LINES)):
        invocation.print("\n".join(chunk))


@command.command("grep", epilog=exits(10))
@selection_options
@click.option("--test", "test_pattern", default="", metavar="PATTERN", help="Of these tests.")
@click.argument("pattern", metavar="PATTERN")
@click.pass_obj
def grep(invocation: Invocation, test_pattern: str, pattern: str, selection: "Selection") -> int:
    """Print the lines of stored logs that match PATTERN (RE2); exit 1 when there are none.

    A line is RUN/TEST[/ITEM], log, line number, text. The run directories aren't asked.
    """
    from mtsite.logs.stored import matches
    from mtsite.ownrules import read_regex

    try:
        regex = read_regex(pattern)
    except ValueError as wrong:
        raise UsageError(f"{pattern}: {wrong}", "patterns are in the syntax of RE2") from None
    site = invocation.config().site.output
    found = []
    count = 0
    for one in matches(site, _chosen_runs(site, selection), regex, _takes(test_pattern)):
        count += 1
        if invocation.as_json:
            found.append(one._asdict())
        else:
            invocation.print(f"{one.test}\t{one.log}\t{one.line}\t{one.text}")
    if invocation.as_json:
        invocation.print_json("log-grep", {"matches": found})
    return 0 if count else 1


@command.command("reanalyse", epilog=exits(10, 11))
@click.option("-n", "--dry-run", is_flag=True, help="Say how many logs; change nothing.")
@click.pass_obj
def reanalyse(invocation: Invocation, dry_run: bool) -> None:
    """Judge stored logs again that an older rule set has judged.

    Their stored text is read, not the run directories. The next build makes the pages that differ.
    """
    from mtsite.archive.reanalyse import reanalyse as judge_again
    from mtsite.archive.records import Who
    from mtsite.holds import this_user

    config = invocation.config()
    who = Who(this_user(), int(time.time()), "mtsite log reanalyse")
    done = judge_again(
        config, _rule_set(invocation), who, dry_run=dry_run, report=invocation.report.progress
    )
    if invocation.as_json:
        invocation.print_json("log-reanalyse", {"dry_run": dry_run, **to_builtins(done)})
    elif dry_run:
        invocation.report.say(f"{plural(done.logs, 'log was', 'logs were')} judged by older rules")
    else:
        invocation.report.say(
            f"{plural(done.logs, 'log')} judged again, {done.changed} of them"
            f" {'differs' if done.changed == 1 else 'differ'}, in {plural(done.runs, 'run')};"
            " `mtsite build` makes their pages"
        )
        if done.missing:
            invocation.report.warn(
                f"{plural(done.missing, 'stored log is', 'stored logs are')} not in this site"
            )


def _config(invocation: Invocation) -> "Config":
    """The settings of the site around, else the defaults: a log can be tested anywhere."""
    from mtsite.config import config_for_areas, find_config

    if find_config(Path.cwd(), invocation.config_file, invocation.environ) is None:
        return config_for_areas([], Path("site"), Path(".mtsite"))
    return invocation.config()


def _rule_set(invocation: Invocation) -> "RuleSet":
    from mtsite.build.judge import rule_set_of

    return rule_set_of(_config(invocation).logs)


def _only(rule_set: "RuleSet", family: str | None) -> "RuleSet":
    """The rule set with one family left."""
    from msgspec.structs import replace

    from mtsite.logs.families import OWN

    if family is None:
        return rule_set
    if family == OWN:
        return replace(rule_set, families=())
    families = tuple(one for one in rule_set.families if one.name == family)
    if not families:
        names = ", ".join([OWN, *(one.name for one in rule_set.families)])
        raise UsageError(f"no family {family} of rules", f"there are {names}")
    return replace(rule_set, families=families, own=())


def _range(text: str | None) -> "Span":
    from mtsite.logs.stored import WHOLE

    if text is None:
        return WHOLE
    first, dash, last = text.partition("-")
    if not (text.isascii() and first.isdecimal() and (not dash or last.isdecimal())):
        raise UsageError(f"{text}: write 120 or 120-180")
    span = (int(first), int(last) if dash else int(first))
    if not 1 <= span[0] <= span[1]:
        raise UsageError(f"{text}: lines count from 1, and the first comes first")
    return span


def _told(stored: "Stored") -> dict[str, object]:
    from mtsite.logs.stored import run_name

    return {
        "run": run_name(stored.key),
        "testname": stored.test[0],
        "item_path": stored.test[1],
        "log": stored.log.name,
        "blob": stored.log.blob,
        "logs": stored.others,
        "findings": [to_builtins(one) for one in stored.log.findings],
    }


def _takes(pattern: str) -> "Callable[[TestName], bool]":
    from mtsite.megatest.pattern import matcher

    if not pattern:
        return lambda name: True
    takes = matcher(pattern)
    return lambda name: takes(name[0]) or takes("/".join(name))


def _chosen_runs(site: Path, selection: "Selection") -> "Iterator[RunRecord]":
    from mtsite import record

    now = int(time.time())
    for kept in record.walk(site):
        if kept.summary is not None and selection.matches(_activity(kept.summary), now):
            yield kept


def _activity(summary: "RunSummary") -> "RunActivity":
    from mtsite.megatest.activity import RunActivity

    return RunActivity(
        0,
        summary.key.target,
        summary.key.runname,
        summary.state,
        summary.event_time,
        summary.end_time or summary.event_time,
        status=summary.status,
    )
