"""Counts in sentences: ``1 epoch``, ``2 epochs``."""

from __future__ import annotations


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return a number with the word for what it counts, in the plural unless it is one.

    Parameters
    ----------
    plural
        Where it is not the singular with an s.

    Examples
    --------
    >>> counted(1, "epoch"), counted(12000, "event"), counted(0, "class", "classes")
    ('1 epoch', '12,000 events', '0 classes')
    """
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"
