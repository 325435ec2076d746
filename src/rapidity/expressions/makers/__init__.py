"""Feature makers: a name for a group of features, one file a group.

An entry of `columns:` such as ``invariant_masses(jets, 3)`` stands for several features with names of their
own; `expand_maker` writes them out. `maker` says what a maker is, `reading` reads the call.
"""

from __future__ import annotations

from rapidity.expressions.makers.maker import MAX_MEMBERS, Maker, Member
from rapidity.expressions.makers.reading import MAKERS, expand_maker

__all__ = ["MAKERS", "MAX_MEMBERS", "Maker", "Member", "expand_maker"]
