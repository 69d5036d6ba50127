"""What `gate` can say, and what each of it means: its verdicts, its page and the catalogue."""

from collections.abc import Mapping

SETUP, FIND, IMPORT, NOTHING = "setup", "find", "import", "nothing-run"
NOT_ENDED, TOO_LONG, STAYED = "not-ended", "too-long", "stayed"
ROWS, LEFT_OUT, FINDINGS = "rows-differ", "left-out", "findings"

TEXTS: Mapping[str, str] = {
    SETUP: "FAILURE - Could not setup seed database.",
    FIND: "FAILURE - Could not find seed database.",
    IMPORT: "FAILURE - Could not import required module.",
    NOTHING: "No migrations run",
    NOT_ENDED: "FAILURE - Migration {step} started but did not end",
    TOO_LONG: "WARNING - Migration {step} took too long",
    STAYED: "FAILURE - Migration {step} left runs behind",
    ROWS: "FAILURE - Final rows do not match expectation",
    LEFT_OUT: "FAILURE - build left something out",
    FINDINGS: "FAILURE - check found errors",
}
"""Code → text; the texts of the dataset itself are Turbo-hipster's, word for word."""

HELP: Mapping[str, str] = {
    SETUP: "The dataset's configuration or database can't be read, or it leads out of itself.",
    FIND: "There is no megatest.db in the dataset's area: copy it, or correct `area`.",
    IMPORT: "A library that the step needs is not installed here: install mtsite as for a night.",
    NOTHING: "No run moved, so nothing was rehearsed: are all runs unfinished, locked or newest?",
    NOT_ENDED: "The step broke off; the detail is what the command itself would have said.",
    TOO_LONG: "It took longer than its limit in dataset.toml; a slower machine needs larger ones.",
    STAYED: "These runs would not move tonight either; the detail names the first and why.",
    ROWS: "A run has gained, lost or changed rows on its way there and back. Don't upgrade.",
    LEFT_OUT: "Pages of these runs or areas could not be made; the detail names the first.",
    FINDINGS: "A page that would be published has an error; the detail names the first.",
}
