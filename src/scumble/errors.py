"""What can go wrong, in words: each error says what was got, what was wanted and, where it helps, one hint.

The library raises these; only the command line turns them into one line and an exit code.
"""

MAX_LENGTH = 1000
"""Of a message: what a stranger wrote into a file is quoted in some of them."""

NO_STANDARD_INPUT = "/dev/stdin is one, with < photo.jpg behind the command; not behind a pipe"
"""The hint where `-` was given for the name of a file."""


class ScumbleError(Exception):
    """Something failed that a user can understand and act on.

    Args:
        message: what was got and what was wanted, in one line.
        hint: what to try, in a few words; printed in brackets.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None):
        whole = f"{message} ({hint})" if hint else message
        half = MAX_LENGTH // 2
        super().__init__(whole if len(whole) <= MAX_LENGTH else f"{whole[: half - 5]} ... {whole[-half:]}")


class SettingsError(ScumbleError):
    """A setting that is unknown or out of range: the job was never started."""

    exit_code = 2


class ImageError(ScumbleError):
    """A picture that cannot be read, used or written."""


class DataError(ScumbleError):
    """Pictures to learn from that cannot be read, are too few, or do not fit together."""


class RunError(ScumbleError):
    """A training run's folder that cannot be used: of other settings, of another version, damaged, or not writable."""


class WeightsError(ScumbleError):
    """A network's weights that cannot be found, fetched, trusted or used."""


class DivergedError(ScumbleError):
    """An optimisation or a training whose loss left the finite numbers and could not be brought back."""


class LostError(ScumbleError):
    """A process of a job done by several that was killed, or no longer answers."""


def first_line(error: BaseException) -> str:
    """The first line of what an exception says: torch goes on about where it was."""
    return next(iter(reason(error).splitlines()), "") or type(error).__name__


def reason(error: BaseException) -> str:
    """The cause of an exception in a few words, without the file names that an OSError repeats."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
