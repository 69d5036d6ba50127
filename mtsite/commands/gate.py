"""`mtsite gate`: a rehearsal of a night on copies of real databases."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mtsite.amounts import plural
from mtsite.errors import FindingsError, UsageError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.gate import DatasetVerdict


@click.command(epilog=exits(10, 20))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write index.html and gate.json there.",
)
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Where copies are made; else the usual place of temporary files.",
)
@click.argument("dataset_dir", type=click.Path(path_type=Path))
@click.pass_obj
def command(
    invocation: Invocation, output: Path | None, scratch: Path | None, dataset_dir: Path
) -> None:
    """Rehearse reduce, automigrate, restore, build and check on copies of datasets.

    A dataset is a directory with a copy of an area and dataset.toml, which limits the time of each
    step; DATASET_DIR holds some, or is one. The datasets are only read. Every row must be there
    again at the end. Run it in CI before an upgrade: docs/gate.md.
    """
    from mtsite.config import BuildConfig
    from mtsite.engines.engine import open_engine
    from mtsite.gate import document_of, rehearse
    from mtsite.gatecopy import find_datasets

    datasets = find_datasets(dataset_dir)
    for place in filter(None, (output, scratch)):
        if any(place.resolve().is_relative_to(one.path) for one in datasets):
            raise UsageError(f"{place} lies in a dataset, which is only read", "another place")
    usual = BuildConfig()
    engine = open_engine(usual.engine, usual.workers)
    verdicts = []
    try:
        for dataset in datasets:
            verdict = rehearse(dataset, engine, invocation.report.progress, scratch=scratch)
            verdicts.append(verdict)
            _tell(invocation, verdict)
    finally:
        engine.close()
    invocation.report.close()
    document = document_of(verdicts)
    if output is not None:
        _write(output, document)
    if invocation.as_json:
        invocation.print_json("gate", document)
    failed = [one.name for one in verdicts if not one.success]
    if failed:
        raise FindingsError(
            f"{len(failed)} of {plural(len(verdicts), 'dataset')} failed: {', '.join(failed)}",
            "docs/gate.md says what each message means",
        )


def _tell(invocation: Invocation, verdict: "DatasetVerdict") -> None:
    if not invocation.as_json:
        for line in verdict.result.split("\n"):
            invocation.print(f"{verdict.name}: {line}")
        for one in verdict.messages:
            invocation.report.say(f"  {one.detail}")


def _write(output: Path, document: dict[str, object]) -> None:
    from mtsite import atomicfile
    from mtsite.build.theme import Theme
    from mtsite.pages import gate
    from mtsite.pages.page import SiteFrame

    content = json.dumps({"schema": "mtsite/gate/1", **document}, indent=1)
    atomicfile.write(output / "gate.json", f"{content}\n".encode())
    look = Theme()
    for path, asset in look.assets().items():
        atomicfile.write(output / path, asset)
    shown = gate.context(SiteFrame("mtsite gate"), document)
    atomicfile.write(output / gate.PATH, look.render(gate.TEMPLATE, shown))
