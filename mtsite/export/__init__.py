"""Runs as others read them: tables, JSON, CSV, and the lines that Megatest's -list-runs prints.

    heads of all runs, oldest first → chosen → one run at a time read → values → text

The room promises that what is printed begins as soon as the first run is known, and that no more
than one run with its tests is in memory. It reads databases and writes nothing but the files that
were asked for. `columns.py` says which columns there are (`--fields`), `wanted.py` judges runs by
a filter, `runs.py` gives runs their values, `lines.py`, `table.py` and `document.py` are the
forms. Open `runs.py` first.
"""
