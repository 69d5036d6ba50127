"""Runs out of the live database, and nothing of them lost.

Promises: a run is whole in at least one database at every instant, whatever dies; running again
finishes what was begun; rows that changed or appeared meanwhile stay where they are and are
listed; `last_update` and every unknown column and table arrive as they were. No object of a
Megatest database is altered; the archive's side gains one table, `mtsite_moves`.

    plan_moves(runs, rules, now)        pure: every run, and the rule that moves or keeps it
    copy + note                         one transaction of the destination
    read back, compare                  before this nothing is taken away
    letting go                          caches in /tmp first, then megatest.db; test by test
    settled

Never: moves a locked run, one in flight, or the one that holds the highest rowid; moves while a
Megatest server is alive; overwrites a run of the same name that is not the same birth.
Open first: `plan.py` for what moves, `move.py` for how, `reduce.py` for the verb; `retain.py` and
`rows.py` for what ends, `purge.py` for what is taken back, `verify.py` for what is found wrong.
"""
