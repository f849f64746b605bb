"""How large a picture becomes that keeps its shape."""


def fit_longer_side(size: tuple[int, int], longer: int) -> tuple[int, int]:
    """(width, height) scaled so that the longer side has `longer` pixels and the shorter at least one.

    Example:
        >>> fit_longer_side((1024, 768), 682)
        (682, 512)
    """
    return _scaled(size, longer / max(size))


def fit_shorter_side(size: tuple[int, int], shorter: float) -> tuple[int, int]:
    """(width, height) scaled so that the shorter side has `shorter` pixels, rounded, at least one."""
    return _scaled(size, shorter / min(size))


def _scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    width, height = size
    return max(1, round(width * factor)), max(1, round(height * factor))
