"""Jets of the particles of many events by FastJet, which the detectors of all samples share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rapidity.samples.particles import FourVectors

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Clusterable(Protocol):
    """Particles of several events, one event after another."""

    @property
    def px(self) -> NDArray[np.float64]:
        """Momentum along x, GeV ``(n_particles,)``."""
        ...

    @property
    def py(self) -> NDArray[np.float64]:
        """Momentum along y, GeV ``(n_particles,)``."""
        ...

    @property
    def pz(self) -> NDArray[np.float64]:
        """Momentum along the beam, GeV ``(n_particles,)``."""
        ...

    @property
    def energy(self) -> NDArray[np.float64]:
        """Energy, GeV ``(n_particles,)``."""
        ...

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where the particles of each event begin, and where the last ones end ``(n_events + 1,)``."""
        ...


def cluster_particles(particles: Clusterable, radius: float) -> Any:
    """Return FastJet's anti-kt clusters of each event, four-momenta added (``fastjet.ClusterSequence``).

    Source: Cacciari, Salam and Soyez, arXiv:0802.1189; FastJet, arXiv:1111.6097.
    """
    import awkward as ak
    import fastjet

    # FastJet prints its banner to the stream of C++, past every redirection in Python.
    fastjet.ClusterSequenceArea.set_fastjet_banner_stream(None)
    columns = {"px": particles.px, "py": particles.py, "pz": particles.pz, "E": particles.energy}
    contents = [ak.contents.NumpyArray(values) for values in columns.values()]
    record = ak.contents.RecordArray(contents, list(columns), parameters={"__record__": "Momentum4D"})
    events = ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(particles.offsets), record))
    return fastjet.ClusterSequence(events, fastjet.JetDefinition(fastjet.antikt_algorithm, radius))


def to_vectors(jets: Any) -> FourVectors:
    """Return the four-momenta of FastJet's jets of all events, one event after another."""
    import awkward as ak

    counts = np.asarray(ak.num(jets, axis=1), dtype=np.int64)
    flat = ak.flatten(jets, axis=1)
    px, py, pz, energy = (np.asarray(flat[name], dtype=np.float64) for name in ("px", "py", "pz", "E"))
    return FourVectors(np.repeat(np.arange(len(counts)), counts), px, py, pz, energy, len(counts))
