"""The sample `tth_bb`: t tbar H, H -> b bbar, against top pairs, both with one charged lepton, at 13 TeV.

Leading order with parton showers; every setting of Pythia that is not its default stands here.
"""

from __future__ import annotations

from functools import partial

from rapidity.samples.lepton_jets import COLUMNS, reconstruct_lepton_jets_events
from rapidity.samples.sample import Process, Sample

SETTINGS = (
    "Beams:eCM = 13000.",
    # The mass that the cross-section of top pairs is for.
    "6:m0 = 172.5",
    "24:onMode = off",
    # What flies more than 10 mm is stable for a detector: the usual definition.
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
    # Both photons of a neutral pion end in one jet; left whole it saves a fifth of the particles.
    "111:mayDecay = off",
)

# Electrons and muons only, as in `hww_ttbar`.
LEPTON_AND_JETS = (
    ("24:onPosIfAny = 11 13", "24:onNegIfAny = 1 2 3 4 5"),
    ("24:onPosIfAny = 1 2 3 4 5", "24:onNegIfAny = 11 13"),
)

# Particle Data Group 2024: W -> l nu (universal) and W -> hadrons.
LEPTON_AND_JETS_FRACTION = 2 * (2 * 0.1086) * 0.6741
# LHC Higgs Cross Section Working Group, arXiv:1610.07922, for a mass of 125 GeV.
HIGGS_TO_BOTTOM_FRACTION = 0.582
# Next-to-leading order, QCD and electroweak: the same.
TTH_PB = 0.507
# Next-to-next-to-leading order with soft gluons resummed, for 172.5 GeV: Czakon and Mitov, arXiv:1112.5675.
TTBAR_PB = 832.0

SIGNAL = Process(
    name="signal",
    dataset="Signal",
    title="t tbar H -> b l nu b q q b b",
    settings=(
        "HiggsSM:gg2Httbar = on",
        "HiggsSM:qqbar2Httbar = on",
        "25:m0 = 125.",
        "25:onMode = off",
        "25:onIfMatch = 5 -5",
    ),
    code=1,
    decays=LEPTON_AND_JETS,
    cross_section_pb=TTH_PB * HIGGS_TO_BOTTOM_FRACTION * LEPTON_AND_JETS_FRACTION,
)
BACKGROUND = Process(
    name="background",
    dataset="Background",
    title="t tbar + jets -> b l nu b q q + jets",
    settings=("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
    code=0,
    decays=LEPTON_AND_JETS,
    cross_section_pb=TTBAR_PB * LEPTON_AND_JETS_FRACTION,
)

# At least so many jets, and so many b-tagged ones. The first is the default: five jets leave one of the six
# quarks of t tbar H without a jet; three tags are more than ten times as frequent in top pairs as four.
JETS_AND_TAGS = ((5, 3), (4, 2), (4, 3), (4, 4), (5, 2), (5, 4), (6, 2), (6, 3), (6, 4))

TTH_BB = Sample(
    name="tth_bb",
    title="t tbar H, H -> b bbar, against t tbar + jets, one charged lepton, 13 TeV",
    processes=(SIGNAL, BACKGROUND),
    settings=SETTINGS,
    columns=COLUMNS,
    selections={
        f"{jets}j{tags}b": partial(reconstruct_lepton_jets_events, min_jets=jets, min_b_jets=tags)
        for jets, tags in JETS_AND_TAGS
    },
    layout="tree",
    weight="weight",
)
