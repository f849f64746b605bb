"""placeholder"""

JOB = "stylize"


def instant_events(*a, **k):
    """Nothing yet."""
    raise NotImplementedError
