"""`mtsite run annotate`: say of a run which build and which push it belongs to."""

import click

from mtsite.errors import MissingError, UsageError
from mtsite.invocation import Invocation, exits


@click.command("annotate", epilog=exits(10, 11))
@click.option("-n", "--dry-run", is_flag=True, help="Say what the run has now; change nothing.")
@click.argument("run", metavar="RUN")
@click.argument("words", nargs=-1, metavar="NAME=VALUE...")
@click.pass_obj
def command(invocation: Invocation, dry_run: bool, run: str, words: tuple[str, ...]) -> None:
    """Set attributes of a run, such as build=b31 or revision=27e624; NAME= takes one away.

    They stand in Megatest's own table extradat, on the run's page and in its JSON. Without
    NAME=VALUE they are listed.
    """
    from mtsite.export import runs
    from mtsite.ingest.annotate import annotate_run, parse_attributes
    from mtsite.megatest.runlist import RunList

    told = parse_attributes(words)
    config = invocation.config()
    found = RunList(tuple(config.areas.values()), invocation.environ, live_only=False)
    head, rest = runs.find_head(found, config, run)
    if rest:
        raise UsageError(f"{run}: whole runs have attributes", f"mtsite run show {run}")
    if head.gone:
        raise MissingError(head.gone, "mtsite area show")
    if dry_run or not told:
        with runs.RunReading(config, 0) as reading:
            shown = reading.shown(head, tests=True).run
        attributes = shown.attributes if shown is not None else ()
    else:
        attributes = annotate_run(head, config.areas, told)
    if invocation.as_json:
        pairs = [{"name": name, "value": value} for name, value in attributes]
        invocation.print_json("run-annotate", {"run": runs.name_of(head), "attributes": pairs})
    else:
        invocation.print_table([(f"{name}:", value) for name, value in attributes])
