"""Sizes in memory and on disk, as people write them: ``2 GB``, ``1.5 GiB``."""

from __future__ import annotations

import re

UNITS = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
"""Unit in small letters -> bytes."""

_SIZE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zA-Z]*)\s*")


def parse_size(value: object) -> int:
    """Return the bytes of a size; a whole number without a unit is a number of bytes.

    Raises
    ------
    ValueError
        If it is no size above zero.

    Examples
    --------
    >>> parse_size("200 MB"), parse_size("1.5 GiB"), parse_size(4096)
    (200000000, 1610612736, 4096)
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    unit = match.group(2).lower() if match else ""
    # Without a unit only whole numbers: 1.5 is more likely a forgotten GB than a byte and a half.
    if match and (unit in UNITS or (not unit and match.group(1).isdigit())):
        size = int(float(match.group(1)) * UNITS.get(unit, 1))
        if size > 0:
            return size
    message = f"{value!r} is not a size. Write a number above zero with its unit: 200 MB, 2 GB or 1.5 GiB"
    raise ValueError(message)


def show_size(n_bytes: float) -> str:
    """Return a number of bytes with three digits and its unit.

    Examples
    --------
    >>> show_size(200_000_000), show_size(1_610_612_736), show_size(12)
    ('200 MB', '1.61 GB', '12 B')
    """
    for unit in ("TB", "GB", "MB", "kB"):
        size = UNITS[unit.lower()]
        # 999.9 kB would else be shown as 1e+03 kB.
        if n_bytes >= 0.9995 * size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes:.0f} B"
