"""Events with two gluons or two light quarks in the middle of the detector, from Pythia."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.samples.dijets.clustering import MAX_ETA, STRANGE_CODE
from rapidity.samples.pythia import PythiaGenerator

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_OUTGOING, SECOND_OUTGOING = 5, 6
"""Rows of the two outgoing partons in Pythia's record of the hard process."""
GLUON_CODE = 21


def make_dijet_generator(settings: Sequence[str], seed: int) -> PythiaGenerator:
    """Return a generator with multiple parton interactions that skips events without jets to use.

    Both partons must be gluons or light quarks within |eta| of 1.8. That is decided before showers and
    further interactions are made, which take nearly all of the time.
    """
    import pythia8mc

    class CentralPairs(pythia8mc.UserHooks):  # type: ignore[misc]
        """Gives up an event right after its hard process."""

        def __init__(self) -> None:
            pythia8mc.UserHooks.__init__(self)

        def canVetoProcessLevel(self) -> bool:  # noqa: N802 - Pythia's name
            return True

        def doVetoProcessLevel(self, process: Any) -> bool:  # noqa: N802 - Pythia's name
            return not all(_is_used(process[row]) for row in (FIRST_OUTGOING, SECOND_OUTGOING))

    return PythiaGenerator(settings, seed, underlying_event=True, hooks=CentralPairs())


def _is_used(parton: Any) -> bool:
    code = abs(parton.id())
    return bool(abs(parton.eta()) < MAX_ETA and (code <= STRANGE_CODE or code == GLUON_CODE))
