"""The sample `electron_photon`: images of electrons and photons in a barrel of crystals."""

from __future__ import annotations

from rapidity.samples.ecal.geometry import SIZE
from rapidity.samples.ecal.simulation import PT_GEV, simulate_images
from rapidity.samples.sample import ImageSample

ELECTRON_PHOTON = ImageSample(
    name="electron_photon",
    title="electrons and photons of 50 GeV transverse momentum in a barrel of lead tungstate crystals, 3.8 T",
    classes=("photon", "electron"),
    shape=(SIZE, SIZE, 2),
    channels={"energy": f"{PT_GEV:g} GeV", "time": "ns"},
    truth={"energy": "GeV"},
    images="X",
    target="y",
    identifier="ID",
    simulate=simulate_images,
)
