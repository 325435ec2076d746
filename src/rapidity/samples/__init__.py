"""Simulated samples: collisions and tracks made on the spot, seen by parametrised detectors.

`ALL_SAMPLES` maps names to what can be made; `generate` makes it.
"""

from __future__ import annotations

from rapidity.samples.catalogue import ALL_SAMPLES, SAMPLES, TRACK_SAMPLES
from rapidity.samples.generation import generate
from rapidity.samples.sample import (
    Process,
    ProcessSummary,
    Sample,
    SampleSummary,
    TrackSample,
    TrackSampleSummary,
)

__all__ = [
    "ALL_SAMPLES",
    "SAMPLES",
    "TRACK_SAMPLES",
    "Process",
    "ProcessSummary",
    "Sample",
    "SampleSummary",
    "TrackSample",
    "TrackSampleSummary",
    "generate",
]
