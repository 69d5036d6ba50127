"""What is done to each column of a Megatest database: one table, shown by `--plan`.

A column that isn't named and holds text is `text`: words that are known are replaced in it.
"""

from collections.abc import Mapping

USER, HOST, PATH, TEXT, KEEP = "user", "host", "path", "text", "keep"

KINDS: Mapping[str, str] = {
    USER: "each value is a name: replaced by user-…, here and wherever else it stands",
    HOST: "each value is a host: replaced by host-… (its domain by net-….example), everywhere",
    PATH: "known words, home and area directories in it are replaced; its depth stays",
    TEXT: "known words, addresses, home directories and secrets in it are replaced",
    KEEP: "stays as it is",
}

COLUMNS: Mapping[tuple[str, str], str] = {
    ("runs", "owner"): USER,
    ("runs", "comment"): TEXT,
    ("runs", "state"): KEEP,
    ("runs", "status"): KEEP,
    ("tests", "host"): HOST,
    ("tests", "uname"): TEXT,
    ("tests", "rundir"): PATH,
    ("tests", "shortdir"): PATH,
    ("tests", "final_logf"): PATH,
    ("tests", "logdat"): PATH,
    ("tests", "comment"): TEXT,
    ("tests", "state"): KEEP,
    ("tests", "status"): KEEP,
    ("test_steps", "logfile"): PATH,
    ("test_steps", "comment"): TEXT,
    ("test_steps", "state"): KEEP,
    ("test_steps", "status"): KEEP,
    ("test_data", "comment"): TEXT,
    ("test_data", "status"): KEEP,
    ("test_meta", "author"): USER,
    ("test_meta", "owner"): USER,
    ("test_meta", "description"): TEXT,
    ("test_meta", "reviewed"): TEXT,
    ("tasks_queue", "owner"): USER,
    ("tasks_queue", "params"): TEXT,
    ("tasks_queue", "keylock"): TEXT,
    ("access_log", "user"): USER,
    ("access_log", "args"): TEXT,
    ("log", "user"): USER,
    ("archives", "archive_path"): PATH,
    ("archive_disks", "archive_area_name"): TEXT,
    ("archive_disks", "disk_path"): PATH,
    ("archive_blocks", "disk_path"): PATH,
    ("servers", "hostname"): HOST,
    ("servers", "interface"): TEXT,
    ("clients", "hostname"): HOST,
    ("clients", "username"): USER,
    ("tasks", "user"): USER,
    ("monitors", "username"): USER,
    ("monitors", "hostname"): HOST,
    ("mtsite_moves", "who"): USER,
    ("mtsite_moves", "host"): HOST,
    ("mtsite_moves", "source"): PATH,
    ("mtsite_moves", "old_comment"): TEXT,
    ("mtsite_moves", "state"): KEEP,
    ("mtsite_moves", "digest"): KEEP,
    ("mtsite_moves", "layout"): KEEP,
    ("keys", "fieldname"): KEEP,
    ("keys", "fieldtype"): KEEP,
}


def rule_of(table: str, column: str) -> str:
    """What is done to a column."""
    return COLUMNS.get((table.lower(), column.lower()), TEXT)
