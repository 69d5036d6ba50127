"""Many tasks, one small interface: how work is spread over processes.

`open_engine(name, workers, scheduler)` gives an `Engine`; `Engine.map(work, tasks)` yields an
`Outcome` for each task as it ends, in any order. An engine keeps a bounded
number of tasks in flight, so a million tasks cost no more memory than a hundred, and never lets
one task's exception stop the others: it comes back as text in its `Outcome`.

It never promises an order, never retries, and never keeps state between two calls of `map`.
`inprocess` is the reference that the others must equal. Open `engine.py` first.
"""
