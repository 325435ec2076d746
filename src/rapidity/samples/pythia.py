"""Events from Pythia 8 as flat arrays of stable particles."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import EngineError
from rapidity.samples.particles import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.samples.particles import Particles

MILLIBARN_PB = 1e9
SEED_STOP = 900_000_000
"""Pythia takes seeds from 1 to this number."""


def check_generators(sample: str) -> None:
    """Raise EngineError if Pythia 8 or FastJet is not installed."""
    packages = {"Pythia 8": "pythia8mc", "FastJet": "fastjet"}
    absent = [title for title, module in packages.items() if find_spec(module) is None]
    if absent:
        verb = "are" if len(absent) > 1 else "is"
        message = (
            f"sample '{sample}' needs Pythia 8 and FastJet; {' and '.join(absent)} {verb} not installed. "
            "Run: pip install 'rapidity[generate]'"
        )
        raise EngineError(message)


class PythiaGenerator:
    """One initialised Pythia.

    Parameters
    ----------
    settings
        Lines such as ``Beams:eCM = 13000.``.
    seed
        From 1 to 900,000,000.
    hooks
        A ``UserHooks`` of Pythia that looks at events while they are made; None for none.
    """

    def __init__(
        self, settings: Sequence[str], seed: int, *, underlying_event: bool, hooks: Any = None
    ) -> None:
        import pythia8mc

        switch = "on" if underlying_event else "off"
        self._pythia: Any = pythia8mc.Pythia("", False)
        for line in (
            "Print:quiet = on",
            "Random:setSeed = on",
            f"Random:seed = {seed}",
            f"PartonLevel:MPI = {switch}",
            *settings,
        ):
            if not self._pythia.readString(line):
                message = f"Pythia does not know the setting '{line}'. Use one of its release 8.3"
                raise EngineError(message)
        # Pythia does not keep them alive.
        self._hooks = hooks
        if hooks is not None:
            self._pythia.setUserHooksPtr(hooks)
        if not self._pythia.init():
            message = f"Pythia could not start with the settings: {', '.join(settings)}"
            raise EngineError(message)

    @property
    def cross_section_pb(self) -> float:
        """Cross-section in picobarns, estimated from all events so far."""
        return float(self._pythia.infoPython().sigmaGen()) * MILLIBARN_PB

    def reseed(self, seed: int) -> None:
        """Begin other random numbers; the events then depend on this seed and on that of the start alone."""
        self._pythia.rndm.init(seed)

    def generate(self, n_events: int) -> Particles:
        """Return the stable particles of the next `n_events` events."""
        return self.generate_record(n_events).stable

    def generate_record(self, n_events: int) -> Record:
        """Return all particles of the next `n_events` events."""
        import awkward as ak

        batch = self._pythia.nextBatch(n_events)
        if len(batch) != n_events:
            message = f"Pythia gave up after {len(batch)} of {n_events} events. Take another seed"
            raise EngineError(message)
        counts = np.asarray(ak.num(batch.prt, axis=1))
        particle = ak.flatten(batch.prt, axis=1)
        px, py, pz, energy = (
            np.asarray(particle.p[name], dtype=np.float64) for name in ("px", "py", "pz", "e")
        )
        # Row 0 of an event is the system of all particles; a mother of 0 is none.
        mother = np.asarray(particle.mother1, dtype=np.int64)
        first_row = np.repeat(np.cumsum(counts) - counts, counts)
        return Record(
            event=np.repeat(np.arange(n_events), counts),
            px=px,
            py=py,
            pz=pz,
            energy=energy,
            n_events=n_events,
            pdg_id=np.asarray(particle.id, dtype=np.int64),
            status=np.asarray(particle.status, dtype=np.int64),
            mother=np.where(mother > 0, first_row + mother, -1),
        )
