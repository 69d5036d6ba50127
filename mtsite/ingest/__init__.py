"""Ingest: what others measured, as runs of an area, so that all else knows one source.

Promises: a run comes in one transaction with all its tests, or not at all; what was ingested
before is told from what changed by its digest; a run that Megatest made is never touched; the
area is a real one of generation G4, which Megatest itself can open.

    place      the area (made if absent), its keys, the run of that name if there is one
    junit      files → junit.read → rows + outputs → commit; open this one first
    rows       what an item becomes: rows of test, attempts, values
    outputs    the texts of items as logs in the linktree
    objects    jobs, builds, pushes and machines of other systems → store → runs

A death at any moment leaves the rows as they were; outputs that no row names are removed by the
next ingest of that run.
"""
