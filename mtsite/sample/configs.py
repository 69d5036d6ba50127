"""The configuration files of the sample areas, and the site's own mtsite.toml."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mtsite.sample.places import Places
from mtsite.sample.spec import AreaSpec, TestSpec

_ITEM_VARIABLES = ("MODE", "VARIANT", "EXTRA")


def write_configs(
    spec: AreaSpec, places: Places, satellite_of: str = "", archive: str = ""
) -> None:
    """Write megatest.config, runconfigs.config, README.md and a testconfig for each test.

    `satellite_of` makes it a satellite, where nothing runs; `archive` names the area's satellite.
    """
    area = places.area
    area.mkdir(parents=True)
    _write(area / "megatest.config", _megatest_config(spec, places, satellite_of, archive))
    _write(area / "runconfigs.config", _runconfigs(spec))
    if satellite_of:
        _write(
            area / "README.md", f"# {area.name}\n\nOlder runs of `{satellite_of}`, for reading.\n"
        )
        return
    _write(area / "README.md", spec.intro)
    for test in spec.tests:
        _write(area / "tests" / test.name / "testconfig", _testconfig(test))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _megatest_config(spec: AreaSpec, places: Places, satellite_of: str, archive: str) -> str:
    linktree = (
        str(places.linktree)
        if satellite_of
        else "#{getenv MT_RUN_AREA_HOME}/" + places.linktree.name
    )
    lines = ["[fields]", *(f"{key} TEXT" for key in spec.keys), "", "[setup]"]
    if satellite_of:
        lines += [f"# older runs of {satellite_of}; their directories stay where they ran"]
    lines += [
        f"linktree {linktree}",
        f"area-name {places.area.name}",
        "max_concurrent_jobs 40",
        "waivercommentpatt ^waived by",
    ]
    if satellite_of:
        lines += ["allow-runs no"]
    lines += ["", "[disks]", *(f"disk{n} {disk}" for n, disk in enumerate(places.disks))]
    lines += ["", "[jobtools]", "launcher nbfake", "maxload 4", ""]
    lines += [
        "[validvalues]",
        "state start end 0 1 - 2",
        "status pass fail n/a 0 1 running - 2",
        "",
    ]
    lines += ["[env-override]", f"TEAM {spec.name}", "LANG C.UTF-8", ""]
    if archive:
        target = "/".join("%" for _ in spec.keys)
        lines += ["[automigrate]", f"{archive} target={target}; runname=%; age=95d", ""]
    return "\n".join(lines)


def _runconfigs(spec: AreaSpec) -> str:
    lines = ["[default]", "MODEPATT %", "RETRIES 0", ""]
    for target in spec.targets:
        first = target.values[0].upper()
        lines += [
            f"[{'/'.join(target.values)}]",
            f"FLOW {first}",
            f"EVERY_DAYS {target.every_days}",
            "",
        ]
    return "\n".join(lines)


def _testconfig(test: TestSpec) -> str:
    lines = ["[ezsteps]", *(f"{step} {step}.sh" for step in test.steps), ""]
    if test.kind == "logpro":
        lines += ["[logpro]"]
        for step in test.steps:
            lines += [
                f"{step} ;; rules of {step}",
                '  (expect:error in "LogFileBody" = 0 "New" #/ERROR/)',
            ]
        lines += [""]
    if test.waits_for:
        lines += ["[requirements]", f"waiton {' '.join(test.waits_for)}", ""]
    if test.items:
        lines += ["[itemstable]", *_item_lines(test.items), ""]
    lines += ["[test_meta]", f"author {test.author}", f"owner {test.owner}", f"tags {test.tags}"]
    first, *more = [line for line in test.description.split("\n") if line and line[0] != "#"]
    lines += [f"description {first}", *(f"  {line}" for line in more), "reviewed 2026ww30", ""]
    return "\n".join(lines)


def _item_lines(items: Sequence[str]) -> list[str]:
    columns = zip(*(item.split("/") for item in items), strict=True)
    return [
        f"{name} {' '.join(values)}" for name, values in zip(_ITEM_VARIABLES, columns, strict=False)
    ]


def write_site_config(path: Path, titles: Mapping[str, str]) -> None:
    """Write mtsite.toml for the areas (name → title), with relative paths."""
    lines = [
        "# The sample site. Every key is explained in docs/configuration.md.",
        "",
        "[site]",
        'title = "Nightly regressions (demo)"',
        'output = "site"',
        'timezone = "UTC"',
        "",
    ]
    for name, title in titles.items():
        lines += [
            f"[areas.{name}]",
            f'path = "areas/{name}"',
            f'title = "{title}"',
            'intro = "README.md"',
            "",
        ]
    lines += ["[reduce]", 'older_than = "2d"', "keep_live = 2", ""]
    lines += ["[attachments]", 'include = ["plots/*"]', ""]
    lines += ["[publish]", 'destination = "published"  # or "s3://bucket/prefix"', ""]
    path.write_text("\n".join(lines), encoding="utf-8")
