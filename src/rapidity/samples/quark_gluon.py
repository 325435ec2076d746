"""The sample `quark_gluon`: jets of light quarks and of gluons, 8 TeV, as images and as clouds.

Events with two gluons or two quarks in the end, as in the public jets of CMS; every setting of Pythia that
is not its default stands here. Leading order with parton showers and multiple parton interactions.
"""

from __future__ import annotations

from rapidity.samples.jet_sample import JetSample

GLUON, QUARK = 0, 1

SETTINGS = (
    "Beams:eCM = 8000.",
    "PhaseSpace:pTHatMin = 85.",
    "PhaseSpace:pTHatMax = 400.",
    # Cross-sections fall steeply: more hard events, so that all momenta are there.
    "PhaseSpace:bias2Selection = on",
    # What flies more than 10 mm is stable for a detector: the usual definition.
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
    # Their photons are made here, many at once.
    "111:mayDecay = off",
    "HardQCD:nQuarkNew = 3",
    # Further interactions of quarks and gluons alone, without photons, charmonia and W: a tenth less time.
    "MultipartonInteractions:processLevel = 0",
)
# Quarks carry more of the protons' momentum: with a smaller power their spectrum is about that of the
# gluons, and few jets are lost when the spectra are made equal.
CLASS_SETTINGS = {
    GLUON: ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on", "PhaseSpace:bias2SelectionPow = 4."),
    QUARK: (
        "HardQCD:qq2qq = on",
        "HardQCD:gg2qqbar = on",
        "HardQCD:qqbar2qqbarNew = on",
        "PhaseSpace:bias2SelectionPow = 3.2",
    ),
}

QUARK_GLUON = JetSample(
    name="quark_gluon",
    title="jets of light quarks and of gluons at 8 TeV, 70 to 400 GeV, anti-kt R = 0.4",
    classes=("gluon", "quark"),
    settings=SETTINGS,
    class_settings=CLASS_SETTINGS,
)
