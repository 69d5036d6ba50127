"""JUnit XML of any runner, read as a stream: groups and items, their texts, their attempts.

Promises: a file of any size costs the memory of one item; a text over 64 kB waits in a file of
the caller's directory; what JUnit leaves open is decided in one place each, and told in
docs/from-ci.md. A document with entities of its own, one that breaks off, or one that is no JUnit
XML is refused with file and line, and nothing is looked up outside of it.

    read_file(path, spool, sink)   events of expat → one `Item` at a time → sink.item(item)
    names.NameRule                 group, classname and name → testname and item path
    exact                          what JUnit has no place for, in a property

Words: a *group* is what the format calls testsuite, an *item* what it calls testcase.
Open first: `read.py`.
"""
