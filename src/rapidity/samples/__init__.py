"""Simulated samples: events made on the spot by a generator and a parametrised detector.

`SAMPLES` maps names to what can be made; `generate` makes it.
"""

from __future__ import annotations

from rapidity.samples.catalogue import SAMPLES
from rapidity.samples.generation import generate
from rapidity.samples.sample import Process, ProcessSummary, Sample, SampleSummary

__all__ = ["SAMPLES", "Process", "ProcessSummary", "Sample", "SampleSummary", "generate"]
