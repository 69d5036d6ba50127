"""`mtsite check`: what is wrong with the built tree."""

from collections.abc import Mapping

import click

from mtsite.amounts import plural
from mtsite.errors import FindingsError, UsageError
from mtsite.invocation import Invocation, exits

RULES = "links fragments secrets budgets csp schemas orphans landmarks".split()
LEVELS = ("error", "warn", "off")
SHOWN = 100


@click.command(epilog=exits(10, 11, 20))
@click.option("--changed", is_flag=True, help="Only what moved since the last check, as nightly.")
@click.option(
    "--level", "given", multiple=True, metavar="RULE=LEVEL", help="error, warn or off; repeatable."
)
@click.argument("rules", nargs=-1, type=click.Choice(RULES), metavar="[RULE...]")
@click.pass_obj
def command(
    invocation: Invocation, changed: bool, given: tuple[str, ...], rules: tuple[str, ...]
) -> None:
    """Look for dead links, secrets and more in the built tree.

    RULE is one of links, fragments, secrets, budgets, csp, schemas, orphans and landmarks; without
    any, all. How much each matters is set in [check]; a finding of level error ends with 20.
    """
    from mtsite.build.themefiles import schemas_dir
    from mtsite.check.site import Wishes, check_site
    from mtsite.engines.engine import open_engine

    config = invocation.config()
    levels = {**config.check.levels, **_levels(given)}
    if rules:
        levels = {rule: level if rule in rules else "off" for rule, level in levels.items()}
    keep = levels == dict(config.check.levels)
    engine = open_engine(config.build.engine, config.build.workers, config.build.dask_scheduler)
    try:
        done = check_site(
            config,
            engine,
            invocation.report.progress,
            Wishes(levels, schemas_dir(), changed=changed, keep=keep),
        )
    finally:
        engine.close()
    invocation.report.close()
    errors, warnings = done.count("error"), done.count("warn")
    if invocation.as_json:
        found = [
            {"level": level, "rule": one.rule, "path": one.path, "told": one.told}
            for level, one in done.findings
        ]
        counts = {"files": done.files, "looked": done.looked, "elsewhere": done.elsewhere}
        invocation.print_json("check", {**counts, "levels": levels, "findings": found})
    else:
        for level, one in done.findings[:SHOWN]:
            invocation.print(f"{level}  {one.rule}  {one.path}: {one.told}")
        if len(done.findings) > SHOWN:
            invocation.print(f"and {len(done.findings) - SHOWN} more: --json has all")
    told = (
        f"{done.looked} of {plural(done.files, 'file')} looked at, {plural(errors, 'error')},"
        f" {plural(warnings, 'warning')}"
    )
    if errors:
        raise FindingsError(told, _hint(done.by_rule("error")))
    invocation.report.say(told)


def _levels(given: tuple[str, ...]) -> dict[str, str]:
    levels = {}
    for text in given:
        rule, _, level = text.partition("=")
        if rule not in RULES or level not in LEVELS:
            raise UsageError(
                f"--level {text}: write RULE=LEVEL, as orphans=warn",
                f"levels are {', '.join(LEVELS)}; rules {', '.join(RULES)}",
            )
        levels[rule] = level
    return levels


def _hint(rules: Mapping[str, int]) -> str:
    if "secrets" in rules:
        return (
            "mtsite log reanalyse masks stored logs again; see docs/logs.md for rules of your own"
        )
    return "mtsite build --full makes every page again; [check] sets how much a rule matters"
