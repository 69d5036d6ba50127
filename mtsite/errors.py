"""Every failure that a user can meet, with its exit code.

    MtsiteError                1   it failed
    ├── UsageError             2   wrong arguments
    │   ├── ConfigError        2   mtsite.toml or megatest.config: every mistake at once
    │   └── UnmovableError     2   runs of that area are read, and never moved
    ├── RefusedFileError       1   a file of somebody else's that can't be read safely
    │   └── OtherFormatError   1   it is whole, and of another kind than was asked for
    ├── PartlyDoneError        3   the rest was done; what failed is listed
    ├── MissingError          10   no such area, run or site
    │   └── AreaUnreadableError   10   the area is there, its database or config is not readable
    │       └── NoDatabaseError   10   the area is there, but Megatest made no database yet
    ├── BusyError             11   locked, by whom, since when
    │   ├── AreaBusyError     11   a database stayed locked past its busy timeout
    │   └── NotQuietError     11   somebody works in the area
    ├── DestinationError      12   the destination refused
    ├── VerificationError     13   a copy does not equal its source; the source is kept
    │   ├── ConflictError     13   another run of this name is already there
    │   └── DamagedLogError   13   a stored log is not what was stored
    └── FindingsError         20   done, with findings

A message says what is wrong and where; `hint` is the next command or edit to try.
"""

from collections.abc import Sequence
from typing import ClassVar


class MtsiteError(Exception):
    """Expected trouble: shown as one message, never as a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(MtsiteError):
    """The command was called in a way that can't be carried out."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration that can't be used; `mistakes` lists all of them, each with file and line."""

    def __init__(self, mistakes: Sequence[str], hint: str = "") -> None:
        super().__init__("\n".join(mistakes), hint)
        self.mistakes = tuple(mistakes)


class UnmovableError(UsageError):
    """Runs of an area whose databases are read and never changed."""


class RefusedFileError(MtsiteError):
    """A file that is wrong or that it would be unsafe to read; the message has file and line."""


class OtherFormatError(RefusedFileError):
    """A file of another kind than the one that was asked for."""


class PartlyDoneError(MtsiteError):
    """Some of the work was done; the message lists what was not."""

    exit_code = 3


class MissingError(MtsiteError):
    """The named area, run, site or file does not exist."""

    exit_code = 10


class AreaUnreadableError(MissingError):
    """An area whose configuration or database can't be read."""


class NoDatabaseError(AreaUnreadableError):
    """An area that has a configuration and no database."""


class BusyError(MtsiteError):
    """Somebody else holds what is needed; the message says who and since when."""

    exit_code = 11


class AreaBusyError(BusyError):
    """A database stayed locked past its busy timeout."""


class NotQuietError(BusyError):
    """Tests run in an area, or something stirred there a moment ago."""


class DestinationError(MtsiteError):
    """The destination refused: credentials, bucket, precondition, space."""

    exit_code = 12


class VerificationError(MtsiteError):
    """What was written does not read back as what was meant; the source is kept."""

    exit_code = 13


class ConflictError(VerificationError):
    """The destination holds another run of the same name; both stay."""


class DamagedLogError(VerificationError):
    """A stored log breaks off, or a part of it doesn't unpack."""


class FindingsError(MtsiteError):
    """The work was done and found something to look at."""

    exit_code = 20
