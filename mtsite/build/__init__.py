"""Records become files: what moved is rendered again, everything else stays as it is.

    runs -> fingerprints -> pages that moved -> context (pages/) -> bytes (theme.py) -> tree

The room promises that the incremental tree equals the clean tree, byte for byte, and that the
cost of a build follows what changed. It never reads the clock for what a page shows, and it never
deletes from `_blobs/` or `_record/`. `theme.py` is the only file that knows the template language.
Open `site.py` first: the verb `build_site` reads like a table of contents.
"""
