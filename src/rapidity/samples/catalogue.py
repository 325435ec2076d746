"""The samples that can be generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.registry import Registry
from rapidity.samples.electron_photon import ELECTRON_PHOTON
from rapidity.samples.hww_ttbar import HWW_TTBAR
from rapidity.samples.lhcb_pid import LHCB_PID
from rapidity.samples.quark_gluon import QUARK_GLUON
from rapidity.samples.tth_bb import TTH_BB

if TYPE_CHECKING:
    from rapidity.samples.jet_sample import JetSample
    from rapidity.samples.sample import ImageSample, Sample, TrackSample

SAMPLES: Registry[Sample] = Registry("sample", {HWW_TTBAR.name: HWW_TTBAR, TTH_BB.name: TTH_BB})
"""Samples of collisions, from Pythia."""

TRACK_SAMPLES: Registry[TrackSample] = Registry("sample", {LHCB_PID.name: LHCB_PID})
"""Samples of single tracks, without any generator of events."""

IMAGE_SAMPLES: Registry[ImageSample] = Registry("sample", {ELECTRON_PHOTON.name: ELECTRON_PHOTON})
"""Samples of images of single particles, without any generator of events."""

JET_SAMPLES: Registry[JetSample] = Registry("sample", {QUARK_GLUON.name: QUARK_GLUON})
"""Samples of single jets, from Pythia."""

ALL_SAMPLES: Registry[Sample | TrackSample | ImageSample | JetSample] = Registry(
    "sample", {**SAMPLES, **TRACK_SAMPLES, **IMAGE_SAMPLES, **JET_SAMPLES}
)
"""Everything that `generate` takes."""
