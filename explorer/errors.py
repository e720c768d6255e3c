"""Every error that a user can meet. Each message names the place and says what to do next."""


class ExplorerError(Exception):
    """Something in the data or the workspace is not as it must be. The command line exits with 1."""

    exit_code = 1


class UsageError(ExplorerError):
    """The request itself is wrong: an unknown statistic, a parameter out of range. Exits with 2."""

    exit_code = 2


class InputError(ExplorerError):
    """An input cannot be read at all. Row-level faults are counted instead of raised."""


class WorkspaceError(ExplorerError):
    """A workspace is missing, unfinished or of another version."""


class StatisticError(ExplorerError):
    """A statistic's file breaks the contract of `explorer.statistic`."""


class QueryError(ExplorerError):
    """A user's SQL was refused or failed."""


class StorageError(ExplorerError):
    """The disk refused a write: full, read-only or over a limit."""
