"""The settings of the web page: where it listens, where it keeps things, and what it lets in."""

import secrets
from pathlib import Path
from typing import Annotated, Self

import platformdirs
from pydantic import AfterValidator, Field, model_validator

from scumble import paths
from scumble.errors import SettingsError
from scumble.settings import Settings

MIN_TOKEN = 16
"""Characters: who guesses a million a second takes longer than anybody lives."""

LOCALHOST = ("127.0.0.1", "localhost", "::1")
"""Where nobody but this machine gets in."""


def home_folder() -> Path:
    """Where jobs and uploads are kept unless somebody says otherwise: not with what can be made again."""
    try:
        return Path(platformdirs.user_data_dir("scumble")) / "web"
    except RuntimeError:  # a user without a home, as in many a container
        return paths.cache_folder() / "web"


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("a folder that is there")
    return path.absolute()


class WebSettings(Settings):
    """Frozen settings of the web page."""

    home: Annotated[Path, AfterValidator(Path.absolute)] = Field(
        description="folder of jobs and uploads; else the platform's own, such as ~/.local/share/scumble/web",
        default_factory=home_folder,
    )
    port: Annotated[int, Field(ge=0, le=65535, description="port; 0 finds a free one")] = 8282
    listen: Annotated[
        str, Field(min_length=1, description="address to listen on; others than this machine's own need a token")
    ] = "127.0.0.1"
    token: Annotated[
        str | None,
        Field(
            min_length=MIN_TOKEN,
            pattern=r"^[A-Za-z0-9_~.-]+$",
            examples=["k3Vx-9bQz_72LmTt"],
            description=f"what visitors must know: at least {MIN_TOKEN} characters",
        ),
    ] = None
    data: Annotated[
        tuple[Annotated[Path, AfterValidator(_folder)], ...],
        Field(description="folder whose pictures and models the page may use; may be given again"),
    ] = ()
    max_upload_bytes: Annotated[int, Field(ge=1, description="bytes of one uploaded file")] = 64_000_000
    max_upload_pixels: Annotated[int, Field(ge=1, description="pixels of one uploaded picture")] = 100_000_000
    max_uploads: Annotated[
        int, Field(ge=1, description="uploads that are kept; the oldest that no job uses goes first")
    ] = 1000

    @model_validator(mode="after")
    def _exposed_only_with_a_token(self) -> Self:
        if self.token is None and self.listen not in LOCALHOST:
            raise SettingsError(
                f"listen: got {self.listen!r}, where others can reach this page; wanted a token beside it",
                f"--token {secrets.token_urlsafe(16)}",
            )
        return self
