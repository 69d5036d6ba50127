"""What a page shows: records in, one plain dictionary out.

Each `KIND.py` has an `EDITION` (raised when the same inputs make another page), the name of its
`TEMPLATE`, and a pure function `context(...)` that a template turns into HTML:

    frame + records  ->  context()  ->  {"title": ..., "rows": (...)}  ->  build.theme.Theme.render

A context depends on its arguments only: no file, no database, no clock, no order of a set or of a
dictionary that somebody else filled. Times stay seconds until they are put into words here; links
come from `urls` and are relative, so a page works from any place and from `file://`.

Nothing here escapes HTML: the templates do, for every value. Only `markdown.py` and `loglines.py`
return Markup. Open `page.py` first (the frame that all pages share), then `run.py`.
"""
