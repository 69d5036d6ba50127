"""What is wrong with the built tree, before a reader finds it.

    manifest -> files that moved -> each read once, in workers -> what it leads to, what it breaks
             -> links and fragments against the manifest -> findings, by rule and level

Promise: every file is read at most once, and after a first look only what moved since, with what
leads to files that went away; nothing in the tree is ever changed. Pages that `[site] keep_local`
let go are known from the manifest. The findings that stand are remembered in `check.db`.

Open first: site.py (the verb), page.py (one HTML page), rules.py (what is judged).
"""
