"""Neutral pions and the photons that they become."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rapidity.samples.particles import Particles

NEUTRAL_PION, PHOTON = 111, 22


def decay(pions: Particles, rng: np.random.Generator) -> tuple[Particles, Particles]:
    """Return both photons of each pion, in the order of the pions.

    Isotropic in the frame of the pion. The 1.2 % with an electron pair (PDG) are left out.

    Examples
    --------
    >>> from rapidity.samples.particles import Particles
    >>> zero, code = np.zeros(1), np.array([111])
    >>> pion = Particles(np.array([0]), zero + 3, zero, zero, np.hypot(zero + 3, 0.135), 1, code)
    >>> first, second = decay(pion, np.random.default_rng(1))
    >>> (first.px + second.px).round(9), (first.energy + second.energy).round(4), first.mass.round(6)
    (array([3.]), array([3.003]), array([0.]))
    """
    n = len(pions)
    cosine, azimuth = rng.uniform(-1.0, 1.0, n), rng.uniform(-np.pi, np.pi, n)
    sine = np.sqrt(1.0 - cosine**2)
    direction = np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine])
    momentum = np.stack([pions.px, pions.py, pions.pz])
    mass = np.sqrt(np.maximum(pions.energy**2 - (momentum**2).sum(axis=0), 1e-6))
    # Boost of a photon of half the mass: E = (E_pi + p_pi . n) / 2, and along the flight in the same way.
    along = (direction * momentum).sum(axis=0)
    energy = 0.5 * (pions.energy + along)
    part = 0.5 * (mass * direction + momentum * (1.0 + along / (pions.energy + mass)))
    first = _photons(pions, part, energy)
    return first, _photons(pions, momentum - part, pions.energy - energy)


def _photons(pions: Particles, momentum: np.ndarray, energy: np.ndarray) -> Particles:
    px, py, pz = momentum
    return replace(pions, px=px, py=py, pz=pz, energy=energy, pdg_id=np.full(len(pions), PHOTON))
