"""One command per module: arguments, one call of a verb, what is printed.

    read arguments -> Invocation.config() -> a verb of floor 3 -> print

A module NAME.py has `command`, a click command whose help ends with its exit codes
(`epilog=exits(...)`); `mtsite.cli.COMMANDS` names it. Verbs and libraries that take long to load
are imported inside the command's function, so that `mtsite --help` is quick. `--json`, `-q` and
`-v` are added by the group: a command asks `invocation.as_json` and talks through
`invocation.report`. Nothing is decided here: a rule that stands in a command can't be called by a
job. Open `build.py` first.
"""
