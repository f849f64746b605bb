"""What counts how much in an objective."""

from typing import NamedTuple


class Terms(NamedTuple):
    """The weights of an objective's terms, by layer, none of them zero; and whether content is focused.

    Attributes:
        content: layers whose features are compared place by place.
        transported: layers whose features are compared place by place with the content's after these were moved into
            the distribution of the styles' (`losses.content.gaussian_map`).
        leak: layers at which no place may become more like some place of the styles than the content's was.
        style: layers whose statistics are compared.
        focused: whether content counts more where there is more of it (see `scumble.style.preparation.importance`).
        layout: how much the photograph decides coarsely where which colour goes (see
            `scumble.style.preparation.palette`).
        fitted: whether the proportions of a painting's colours give way to what the photograph has a place for.
    """

    content: dict[str, float]
    transported: dict[str, float]
    leak: dict[str, float]
    style: dict[str, float]
    focused: bool
    layout: float = 0.0
    fitted: bool = False

    def layers(self) -> tuple[str, ...]:
        """All layers that are looked at."""
        return tuple(self.content | self.transported | self.leak | self.style)
