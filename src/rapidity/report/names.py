"""File names made from names that users chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def file_stems(names: Sequence[str]) -> list[str]:
    """Return one stem a name, all different even where file systems ignore case.

    What is not a letter, digit, underscore, dot or hyphen becomes an underscore; long names are cut.

    Examples
    --------
    >>> file_stems(["pt/1000", "pt*1000", "m(ll)"])
    ['pt_1000_1', 'pt_1000_2', 'm_ll_']
    """
    stems = ["".join(c if c.isalnum() or c in "_-." else "_" for c in name)[:80] for name in names]
    lowered = [stem.lower() for stem in stems]
    unique = []
    for place, stem in enumerate(stems):
        same = lowered.count(lowered[place])
        occurrence = lowered[: place + 1].count(lowered[place])
        unique.append(stem if same == 1 else f"{stem}_{occurrence}")
    return unique
