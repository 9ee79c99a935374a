"""What can be wrong with a data set."""


class DataError(RuntimeError):
    """A data set cannot be used; the message is one line and ends in what to do."""


class DataMissing(DataError):
    """A data set, or one of its files, is not where it was looked for."""


class DataCorrupt(DataError):
    """A file of a data set is truncated, altered or unreadable."""
