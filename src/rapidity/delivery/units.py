"""Whether two units are the same, or differ by a power of ten."""

from __future__ import annotations

import re

_PREFIXES = {"": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15}
_PREFIXES |= {"d": -1, "c": -2, "m": -3, "u": -6, "µ": -6, "n": -9, "p": -12, "f": -15}
_UNIT = re.compile(
    r"(?P<prefix>[kMGTPdcmuµnpf]?)(?P<base>eV|m|s|rad|b|T|Hz|V|A|g|C)(?P<rest>(?:/c(?:\^?2)?)?)"
)


def find_factor(found: str, expected: str) -> float | None:
    """Return by what to multiply numbers in `found` to have them in `expected`; None if that is not known.

    Natural units: GeV, GeV/c and GeV/c^2 are the same. The case of letters counts (MeV, meV).

    Examples
    --------
    >>> find_factor("MeV", "GeV"), find_factor("GeV/c", "GeV"), find_factor("mm", "GeV")
    (0.001, 1.0, None)
    """
    if found.strip() == expected.strip():
        return 1.0
    one, other = (_UNIT.fullmatch(unit.strip()) for unit in (found, expected))
    if one is None or other is None or one["base"] != other["base"]:
        return None
    power = _PREFIXES[one["prefix"]] - _PREFIXES[other["prefix"]]
    return float(f"1e{power}")
