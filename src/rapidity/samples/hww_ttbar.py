"""The sample `hww_ttbar`: gg -> H -> WW against top pairs, both with two charged leptons, at 13 TeV.

Leading order with parton showers; every setting of Pythia that is not its default stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.samples.dilepton import COLUMNS, reconstruct_dilepton_events
from rapidity.samples.sample import Process, Sample, SampleColumn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rapidity.samples.particles import Record
    from rapidity.samples.sample import EventColumns

# Electrons and muons only. A W decaying to a tau would add about a tenth of softer leptons, and
# twice as many events would have to be generated.
LEPTONIC_W = ("24:onMode = off", "24:onIfAny = 11 13")

SETTINGS = (
    "Beams:eCM = 13000.",
    *LEPTONIC_W,
    # What flies more than 10 mm is stable for a detector: the usual definition.
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
    # Both photons of a neutral pion end in one jet; left whole it saves a fifth of the particles.
    "111:mayDecay = off",
)

SIGNAL = Process(
    name="signal",
    dataset="Signal",
    title="gg -> H -> WW -> l nu l nu",
    settings=("HiggsSM:gg2H = on", "25:m0 = 125.", "25:onMode = off", "25:onIfMatch = 24 -24"),
)
BACKGROUND = Process(
    name="background",
    dataset="Background",
    title="t tbar -> b l nu b l nu",
    settings=("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
)


def reconstruct(record: Record, rng: np.random.Generator) -> tuple[EventColumns, NDArray[np.int64]]:
    """Return the 26 columns of the selected events, and their indices."""
    features, selected = reconstruct_dilepton_events(record.stable, rng)
    return {name: features[:, index] for index, name in enumerate(COLUMNS)}, selected


HWW_TTBAR = Sample(
    name="hww_ttbar",
    title="gg -> H -> WW against t tbar, two charged leptons, 13 TeV",
    processes=(SIGNAL, BACKGROUND),
    settings=SETTINGS,
    columns={name: SampleColumn(unit) for name, unit in COLUMNS.items()},
    selections={"dilepton": reconstruct},
)
