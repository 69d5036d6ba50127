"""Ways in which the file of a database goes bad."""

import os
import sqlite3
from pathlib import Path


def missing(path: Path) -> None:
    path.unlink()


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.db")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def foreign(path: Path) -> None:
    path.write_bytes(b"a text file of some length\n" * 50)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def outside(path: Path) -> None:
    elsewhere = path.parents[5] / "elsewhere.db"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def locked(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    LOCKS.append(connection)


LOCKS: list[sqlite3.Connection] = []
