"""A stand-in until scumble.web.live.client is there."""

from pathlib import Path

from scumble.errors import ScumbleError


class SupersededError(ScumbleError):
    """Newer."""


class Live:
    """Nobody."""

    def __init__(self, home: Path):
        del home

    async def stop(self) -> None:
        """Nothing."""
