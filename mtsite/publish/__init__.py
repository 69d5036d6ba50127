"""Publish: the tree, as it is, at a destination; readers never see a broken site.

Promise: only what changed is sent, and a publish that is killed anywhere, or loses against
another one, leaves a site without dead links; running it again finishes it.

    root = destination's `_manifest/root.json`           one request; unchanged: nothing was lost
    plan = tree against what is published                pure, printed by --dry-run
    new keys -> changed keys, deepest first
    deletions of what an earlier publish let go          after the grace time
    root                                                 only if nobody else wrote it

It never lists a destination, never sends an ACL, never deletes what it did not see unreferenced.
After a kill some objects lie there that no root names yet: the next publish takes them over.

Open first: upload.py (the story), plan.py (what is sent and why), shards.py (the manifest's files),
ledger.py (what we know of one destination), destination.py (the protocol).
"""
