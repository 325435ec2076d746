"""Features named like truth information or weights, which real data do not have."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from rapidity.core.errors import shorten
from rapidity.data.features import unique
from rapidity.data.guards.finding import GuardedEvents, GuardFinding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator


# Words that say it by themselves: `gen_pt` and `GenPart`, but not `generic_tag` or `agent`.
TRUTH_WORDS = frozenset(
    [
        "truth",
        "true",
        "mc",
        "gen",
        "generator",
        "pdg",
        "pdgid",
        "weight",
        "weights",
        "label",
        "labels",
        "target",
        "class",
        "flavour",
        "flavor",
        "parton",
        "issignal",
        "isbackground",
        "issig",
        "isbkg",
    ]
)
# Before `flavour`: that of a lepton is measured, that of a jet is not.
MEASURED_FLAVOURS = frozenset(["lepton", "lep", "leptons"])
# After `is`: `is_signal` and `isB`, but not `is_isolated`.
TRUTH_CLASSES = frozenset(
    ["signal", "background", "sig", "bkg", "b", "c", "uds", "g", "bb", "cc", "prompt", "matched", "fake"]
)
# Anywhere in a name: `mcweight`, `evttruth`. Not `pt_weighted_eta`.
TRUTH_FRAGMENTS = re.compile(r"truth|pdgid|weight(?!ed)|mcid")
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def find_truth_like_names(events: GuardedEvents, level: Level) -> Iterator[GuardFinding]:
    """Yield a finding if the features, or the columns they are made of, have suspicious names."""
    names = unique(
        [*(one.name for one in (*events.features.all, *events.features.of_objects)), *events.features.columns]
    )
    suspicious = [f"'{name}'" for name in names if looks_like_truth(name)]
    if suspicious:
        message = (
            f"{shorten(suspicious)} among the features: named like truth information or a weight. A network "
            "trained on it learns nothing about recorded data. Remove it from the inputs (`exclude`), or "
            "make it a spectator."
        )
        yield GuardFinding("truth_like_name", level, message)


def looks_like_truth(name: str) -> bool:
    """Return whether a name sounds like truth information or a weight.

    Examples
    --------
    >>> [looks_like_truth(name) for name in ("mcWeight", "isSignal", "gen_pt", "jet_isB")]
    [True, True, True, True]
    >>> [looks_like_truth(name) for name in ("is_isolated", "generic_tag", "weighted_width", "DER_mass_MMC")]
    [False, False, False, False]
    >>> looks_like_truth("jet_flavour"), looks_like_truth("lepton_flavour == 13")
    (True, False)
    """
    words = [word.lower() for word in WORDS.findall(name)]
    pairs = list(itertools.pairwise(words))
    measured = {
        second for first, second in pairs if first in MEASURED_FLAVOURS and second.startswith("flavo")
    }
    if TRUTH_FRAGMENTS.search(name.lower()) or TRUTH_WORDS.intersection(words) - measured:
        return True
    return any(first == "is" and second in TRUTH_CLASSES for first, second in pairs)
