"""What a job is given: pictures, and what each of them is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scumble.errors import SettingsError

if TYPE_CHECKING:  # the command names them, and tells whether they are there, before it imports what reads them
    from scumble.image.files import PictureSource
    from scumble.style.settings import PaintSettings


@dataclass(frozen=True)
class Sources:
    """The pictures of a job, as they are given; a texture has no content.

    `masks` are of the content, one for each style, white where it paints. `content_map` and `style_maps`, one for each
    style, are of flat colours: what has the same colour belongs together. `protect` is of the content, too, white where
    nothing paints, whatever masks and maps say.
    """

    content: "PictureSource | None"
    styles: "Sequence[PictureSource]"
    masks: "Sequence[PictureSource]" = ()
    content_map: "PictureSource | None" = None
    style_maps: "Sequence[PictureSource]" = ()
    protect: "PictureSource | None" = None

    def check(self, settings: "PaintSettings") -> None:
        """Raise `SettingsError` unless there is a style, and masks or maps are there for all pictures or for none."""
        from scumble.style.settings import TextureSettings

        styles = len(self.styles)
        wanted = f"for {count(styles, 'style')}, wanted one for each, the flag before each of them"
        if not styles:
            raise SettingsError("style: got none, wanted a painting")
        if (self.content is None) != isinstance(settings, TextureSettings):
            raise SettingsError(
                f"content: got {type(settings).__name__} for a {'texture' if self.content is None else 'photograph'}"
            )
        if self.masks and (self.content_map is not None or self.style_maps):
            raise SettingsError("mask: got maps as well, wanted either masks or maps")
        if self.masks and len(self.masks) != styles:
            raise SettingsError(f"mask: got {len(self.masks)} {wanted}")
        if self.masks and settings.shares is not None:
            raise SettingsError("shares: got masks as well, of which each gives all to its own style")
        if self.content_map is None and self.style_maps:
            raise SettingsError("style-map: got no content-map with it, wanted one for the content and one a style")
        if self.content_map is not None and len(self.style_maps) != styles:
            raise SettingsError(f"style-map: got {len(self.style_maps)} {wanted}")
        if self.content is None and (self.masks or self.content_map is not None):
            raise SettingsError("mask: got one for a texture, which has no regions")
        if self.content is None and self.protect is not None:
            raise SettingsError("protect: got a mask for a texture, which has no photograph")

    def shares(self, settings: "PaintSettings") -> tuple[float, ...]:
        """The part of each style, with the sum 1.

        Raises:
            SettingsError: if shares were given for another number of styles, or are all zero.
        """
        styles = len(self.styles)
        shares = settings.shares or (1.0,) * styles
        if len(shares) != styles:
            got = f"{len(shares)} for {count(styles, 'style')}"
            raise SettingsError(f"shares: got {got}, wanted one for each: --shares A,B")
        if not sum(shares):
            raise SettingsError("shares: got nothing but zeros, wanted one that counts")
        return tuple(share / sum(shares) for share in shares)

    def style_scales(self, settings: "PaintSettings") -> tuple[float, ...]:
        """The scale of each style.

        Raises:
            SettingsError: if neither one nor one for each style was given.
        """
        scales, styles = settings.style_scale, len(self.styles)
        if len(scales) not in (1, styles):
            got = f"{len(scales)} for {count(styles, 'style')}"
            raise SettingsError(f"style-scale: got {got}, wanted one, or one for each: --style-scale A,B")
        return scales * (styles // len(scales))

    def by_role(self) -> "dict[str, PictureSource]":
        """All pictures by what they are for; the first style is "style", as if it were the only one."""
        roles: dict[str, PictureSource] = {} if self.content is None else {"content": self.content}
        for role, sources in (("style", self.styles), ("mask", self.masks), ("style-map", self.style_maps)):
            roles |= {role if number == 1 else f"{role} {number}": s for number, s in enumerate(sources, 1)}
        others = {"content-map": self.content_map, "protect": self.protect}
        return roles | {role: source for role, source in others.items() if source is not None}


def count(number: int, noun: str) -> str:
    """The number and the noun, in the plural where it must be.

    Example:
        >>> count(2, "style")
        '2 styles'
    """
    return f"{number} {noun}" + "s" * (number != 1)
