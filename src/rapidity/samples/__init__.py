"""Simulated samples: collisions, jets, tracks and images made on the spot, seen by parametrised detectors.

`ALL_SAMPLES` maps names to what can be made; `generate` makes it.
"""

from __future__ import annotations

from rapidity.samples.catalogue import ALL_SAMPLES, IMAGE_SAMPLES, JET_SAMPLES, SAMPLES, TRACK_SAMPLES
from rapidity.samples.generation import files_of, generate
from rapidity.samples.jet_sample import JetSample, JetSampleSummary
from rapidity.samples.sample import (
    ImageSample,
    ImageSampleSummary,
    Process,
    ProcessSummary,
    Sample,
    SampleSummary,
    TrackSample,
    TrackSampleSummary,
)

__all__ = [
    "ALL_SAMPLES",
    "IMAGE_SAMPLES",
    "JET_SAMPLES",
    "SAMPLES",
    "TRACK_SAMPLES",
    "ImageSample",
    "ImageSampleSummary",
    "JetSample",
    "JetSampleSummary",
    "Process",
    "ProcessSummary",
    "Sample",
    "SampleSummary",
    "TrackSample",
    "TrackSampleSummary",
    "files_of",
    "generate",
]
