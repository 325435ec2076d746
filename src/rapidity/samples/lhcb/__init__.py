"""Tracks in a forward spectrometer: one sub-detector a file, from true particles to 49 columns.

A particle is followed once. What it leaves in each sub-detector comes from its momentum, its mass and
its place, and every likelihood is computed from those same signals, so whatever is correlated in the
columns is so because the physics is. Each parametrisation names its source; a number called *chosen*
has none and was set so that the rates are those of the performance papers.
"""

from __future__ import annotations

__all__: list[str] = []
