"""Datasets of `gate`: copies of real areas, each with its limits; found, read and copied again.

    DATASET_DIR/NAME/dataset.toml     area = "area"   linktree = "lt"
                                      [limits]  reduce = "30s"  default = "2m"
    DATASET_DIR/NAME/area/            megatest.config, megatest.db, …

Nothing outside of a dataset is read through it, but the files that its megatest.config includes:
a symbolic link that leads out is refused.
"""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct, field

from mtsite.config import AreaConfig
from mtsite.errors import ConfigError, MissingError, MtsiteError, UsageError
from mtsite.megatest.configuration import read_configuration
from mtsite.options import PATH, ages_by, option
from mtsite.tomlfile import TableReader, TomlFile

FILE = "dataset.toml"
STEPS = ("reduce", "automigrate", "restore", "build", "check")
DEFAULT = "default"
_HOMEHOST = ".homehost"
"""Says that the original belongs to a host; the copy belongs to nobody."""


@dataclass(frozen=True)
class DatasetConfig:
    """dataset.toml: where the area lies, and how long each step may take."""

    area: Path = option(PATH, ".", "The directory with megatest.config.")
    linktree: Path | None = option(PATH, None, "The linktree; none: lt in the area.")
    limits: Mapping[str, int] = option(
        ages_by(DEFAULT, *STEPS), {}, "Time that each step may take; default is for all others."
    )


class Dataset(Struct, frozen=True):
    """One dataset; `area` and `linktree` lie in `path`. `trouble` says why it can't be used."""

    name: str
    path: Path
    area: Path
    linktree: Path
    limits: Mapping[str, int] = field(default_factory=dict)
    trouble: MtsiteError | None = None

    def limit(self, step: str) -> int | None:
        """Seconds that a step may take; None: any."""
        return self.limits.get(step, self.limits.get(DEFAULT))


def find_datasets(root: Path) -> list[Dataset]:
    """The datasets in a directory, or the directory itself if it is one, by name.

    Raises:
        MissingError: there is none.
    """
    if not root.is_dir():
        raise MissingError(f"no directory {root}", "docs/gate.md says how to make datasets")
    if _is_dataset(root):
        return [_read(root)]
    found = [_read(path) for path in sorted(root.iterdir()) if _is_dataset(path)]
    if not found:
        hint = f"a dataset is a directory with {FILE} or megatest.config: docs/gate.md"
        raise MissingError(f"no dataset in {root}", hint)
    return found


def _is_dataset(path: Path) -> bool:
    names = (FILE, "megatest.config")
    return path.is_dir() and not path.is_symlink() and any((path / one).exists() for one in names)


def _read(path: Path) -> Dataset:
    path = path.resolve()
    try:
        config = _read_config(path / FILE) if (path / FILE).exists() else DatasetConfig()
        area = _inside(path, path / config.area)
        linktree = _inside(path, path / config.linktree) if config.linktree else area / "lt"
    except MtsiteError as trouble:
        return Dataset(path.name, path, path, path / "lt", trouble=trouble)
    return Dataset(path.name, path, area, linktree, config.limits)


def _read_config(path: Path) -> DatasetConfig:
    reader = TableReader(TomlFile(path))
    config = DatasetConfig(**reader.values((), DatasetConfig, reader.file.tables))
    if reader.mistakes:
        raise ConfigError(reader.mistakes, "docs/gate.md shows a dataset.toml")
    return config


def _inside(root: Path, path: Path) -> Path:
    found = path.resolve()
    if not found.is_relative_to(root):
        raise UsageError(f"{path} leads out of the dataset {root}", "keep all of it in one place")
    return found


def copy_dataset(dataset: Dataset, destination: Path) -> Dataset:
    """The dataset again, at another place: files with their times, links as they lead inside.

    Raises:
        UsageError: a link leads out of it, or the other place lies in it.
        MtsiteError: it can't be read, or there is no room.
    """
    if destination.resolve().is_relative_to(dataset.path):
        raise UsageError(f"{destination} lies in the dataset", "name another --scratch")
    for path, found in _walk(dataset.path):
        target = destination / path.relative_to(dataset.path)
        try:
            _copy(path, found, target, dataset.path, destination)
        except OSError as error:
            raise MtsiteError(f"{path}: {error.strerror or error}", "rights, and room") from error

    def moved(path: Path) -> Path:
        return destination / path.relative_to(dataset.path)

    (moved(dataset.area) / _HOMEHOST).unlink(missing_ok=True)
    return Dataset(
        dataset.name, destination, moved(dataset.area), moved(dataset.linktree), dataset.limits
    )


def copy_with_includes(dataset: Dataset, root: Path) -> Dataset:
    """The dataset again below a directory, so that each include leads where the original's does.

    One that is relative may climb out of the dataset: then the copy lies as deep, and beside it
    stand links to what is included there.

    Raises:
        MtsiteError: as `copy_dataset`.
    """
    beside = _beside(dataset)
    if not beside:
        return copy_dataset(dataset, root / "dataset")
    top = Path(os.path.commonpath([dataset.path.parent, *(one.parent for one in beside)]))
    place = root / "around"
    copy = copy_dataset(dataset, place / dataset.path.relative_to(top))
    for one in beside:
        link = place / one.relative_to(top)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(one)
    return copy


def _beside(dataset: Dataset) -> list[Path]:
    """Files and directories beside the dataset, or beside what it lies in, that includes lead to.

    Those that are named from the root on lead to one place from anywhere.
    """
    try:
        settings = AreaConfig(name=dataset.name, path=dataset.area)
        included = read_configuration(settings, {}).config.included
    except MtsiteError:  # the copy will say it
        return []
    inside = f"{dataset.path}/"
    ways = (_way_out(path, dataset.path) for path in included if str(path).startswith(inside))
    return sorted({way for way in ways if way is not None})


def _way_out(path: Path, root: Path) -> Path | None:
    """Where a path leaves the directory and what it lies in; None where it stays, or nobody is."""
    here = Path(path.anchor)
    for part in path.parts[1:]:
        here = here.parent if part == ".." else here / part
        if here.is_relative_to(root):
            here = Path(os.path.realpath(here))
        if not here.is_relative_to(root) and not root.is_relative_to(here):
            return here if here.exists() else None
    return None


def _walk(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Everything below, a directory before what is in it; no link is followed."""
    waiting = [root]
    while waiting:
        path = waiting.pop()
        found = path.lstat()
        yield path, found
        if stat.S_ISDIR(found.st_mode):
            waiting.extend(path.iterdir())


def _copy(path: Path, found: os.stat_result, target: Path, root: Path, destination: Path) -> None:
    if stat.S_ISDIR(found.st_mode):
        target.mkdir(parents=True, exist_ok=True)
    elif stat.S_ISREG(found.st_mode):
        shutil.copy2(path, target, follow_symlinks=False)
        target.chmod(found.st_mode | stat.S_IWUSR)
    elif stat.S_ISLNK(found.st_mode):
        leads = Path(os.path.realpath(path))
        if not leads.is_relative_to(root):
            raise UsageError(
                f"{path} is a link that leads out of the dataset, to {leads}",
                "copy what it leads to into the dataset, or take the link away",
            )
        target.symlink_to(destination / leads.relative_to(root))
