"""Simulated samples: collisions, tracks and images made on the spot, seen by parametrised detectors.

`ALL_SAMPLES` maps names to what can be made; `generate` makes it.
"""

from __future__ import annotations

from rapidity.samples.catalogue import ALL_SAMPLES, IMAGE_SAMPLES, SAMPLES, TRACK_SAMPLES
from rapidity.samples.generation import generate
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
    "SAMPLES",
    "TRACK_SAMPLES",
    "ImageSample",
    "ImageSampleSummary",
    "Process",
    "ProcessSummary",
    "Sample",
    "SampleSummary",
    "TrackSample",
    "TrackSampleSummary",
    "generate",
]
