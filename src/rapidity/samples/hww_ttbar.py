"""The sample `hww_ttbar`: gg -> H -> WW against top pairs, both with two charged leptons, at 13 TeV.

Leading order with parton showers; every setting of Pythia that is not its default stands here.
"""

from __future__ import annotations

from rapidity.samples.dilepton import COLUMNS, reconstruct_dilepton_events
from rapidity.samples.sample import Process, Sample

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

HWW_TTBAR = Sample(
    name="hww_ttbar",
    title="gg -> H -> WW against t tbar, two charged leptons, 13 TeV",
    processes=(SIGNAL, BACKGROUND),
    settings=SETTINGS,
    columns=COLUMNS,
    reconstruct=reconstruct_dilepton_events,
)
