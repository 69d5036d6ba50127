"""Objects of other systems: JSON that says what a job, a build, a push or a machine is.

Promises: few fields are required (docs/objects.md), all others are kept; each object lies
unchanged in a store that is addressed by content, so that taking it twice is taking it once; one
that is broken goes to quarantine with its reason, and the rest goes on.

    shape.read_object(text)    → Job, Build, Push or Machine, or ObjectError with the reason
    store.ObjectStore          ready → loading → complete, or quarantine: one directory each

Nothing of an object is ever run or looked up. Open first: `shape.py`.
"""
