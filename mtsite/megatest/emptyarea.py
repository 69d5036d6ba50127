"""An area without runs, of the same keys and tables as another: what runs can move to."""

import sqlite3
from contextlib import closing
from pathlib import Path

from mtsite.megatest.area import DATABASE_NAME, Area
from mtsite.megatest.database import area_errors, reading


def make_empty_area(like: Area, path: Path) -> None:
    """Make the directory with a configuration that allows no runs, and a database without rows.

    Raises:
        AreaUnreadableError, AreaBusyError: the database of the other can't be read.
    """
    path.mkdir(parents=True)
    fields = "\n".join(f"{name} TEXT" for name in like.fields)
    text = f"[fields]\n{fields}\n[setup]\nallow-runs no\nlinktree {path}/lt\n"
    (path / "megatest.config").write_text(text, encoding="utf-8", errors="surrogateescape")
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type = 'trigger'"
    with (
        reading(like.live) as source,
        area_errors(like.live),
        closing(sqlite3.connect(path / DATABASE_NAME)) as made,
    ):
        for name, sql in source.execute(query).fetchall():
            if not name.startswith("sqlite_"):
                made.execute(sql)
        for row in source.execute("SELECT * FROM keys").fetchall():
            made.execute(f"INSERT INTO keys VALUES ({', '.join('?' * len(row))})", row)
        made.commit()
