"""The records that describe a simulated sample and what making one yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.samples.particles import Particles

    Reconstruct = Callable[[Particles, np.random.Generator], tuple[NDArray[np.float64], NDArray[np.int64]]]
    SimulateImages = Callable[[NDArray[np.int64], np.random.Generator], "SimulatedImages"]
    Simulate = Callable[[NDArray[np.int64], np.random.Generator], dict[str, NDArray[np.float64]]]

LUMINOSITY_FB = 1.0
"""Integrated luminosity, in inverse femtobarns, that event weights are normalised to."""


@dataclass(frozen=True)
class Process:
    """One physics process: what the generator is told, and where its events go.

    Attributes
    ----------
    name
        Class of its events, ``signal`` or ``background``.
    dataset
        Name of its dataset in the file.
    title
        One line for people.
    settings
        Lines for Pythia, beside those that all processes share.
    """

    name: str
    dataset: str
    title: str
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """A sample that can be generated.

    Attributes
    ----------
    columns
        Feature name -> unit, in the order of the file.
    reconstruct
        From the particles of some events to the features of the selected ones, shape
        ``(n_selected, n_columns)``, and their indices among the events given. It must treat events
        one after another: what it returns for an event may not depend on later events.
    """

    name: str
    title: str
    processes: tuple[Process, ...]
    settings: tuple[str, ...]
    columns: Mapping[str, str]
    reconstruct: Reconstruct


@dataclass(frozen=True)
class TrackSample:
    """A sample of single tracks, simulated here from the particle to the columns.

    Attributes
    ----------
    columns
        Feature name -> unit.
    order
        Names of all columns of the file, the target among them.
    target, identifier
        The column with the class, and what stands in its place in a file without classes.
    simulate
        From class indices ``(n_tracks,)`` to the columns of one track each, in the same order.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    columns: Mapping[str, str]
    order: tuple[str, ...]
    target: str
    identifier: str
    simulate: Simulate


@dataclass(frozen=True)
class SimulatedImages:
    """Images of single particles, and what was true of them.

    Attributes
    ----------
    images
        ``(n_images, *shape)`` float32.
    truth
        Name -> one number for each image ``(n_images,)`` float32.
    """

    images: NDArray[np.float32]
    truth: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class ImageSample:
    """A sample of images, one particle each, simulated here.

    Attributes
    ----------
    shape
        Rows, columns and channels of an image.
    channels
        Name of each channel -> its unit.
    truth
        Name of each number that was true of the particle -> its unit. In files with classes only.
    images, target, identifier
        Names in the file: of the images, of their classes, and of what stands in the place of the classes
        in a file without them.
    simulate
        From class indices ``(n_images,)`` to images in the same order.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    channels: Mapping[str, str]
    truth: Mapping[str, str]
    images: str
    target: str
    identifier: str
    simulate: SimulateImages


@dataclass(frozen=True)
class ProcessSummary:
    """What was made of one process.

    Attributes
    ----------
    n_generated
        Events that Pythia made, up to and including the last one in the file.
    n_selected
        Events in the file.
    cross_section_pb
        Pythia's estimate, in picobarns, branching ratios of the forced decays included.
    """

    n_generated: int
    n_selected: int
    cross_section_pb: float

    @property
    def event_weight(self) -> float:
        """Expected events at 1 fb-1 per generated event."""
        return self.cross_section_pb * 1000.0 * LUMINOSITY_FB / self.n_generated

    @property
    def efficiency(self) -> float:
        """Fraction of the generated events that pass the selection."""
        return self.n_selected / self.n_generated

    @property
    def expected_yield(self) -> float:
        """Expected events at 1 fb-1 after the selection, the sum of the event weights."""
        return self.event_weight * self.n_selected


@dataclass(frozen=True)
class SampleSummary:
    """What `generate` did.

    Attributes
    ----------
    processes
        Process name -> its numbers.
    seconds
        Wall time.
    """

    name: str
    path: Path
    processes: Mapping[str, ProcessSummary]
    n_workers: int
    seconds: float

    @property
    def n_selected(self) -> int:
        """Events in the file."""
        return sum(process.n_selected for process in self.processes.values())


@dataclass(frozen=True)
class TrackSampleSummary:
    """What `generate` did for a sample of tracks.

    Attributes
    ----------
    n_tracks
        Class name -> its tracks in the file.
    seconds
        Wall time.
    """

    name: str
    path: Path
    n_tracks: Mapping[str, int]
    n_workers: int
    seconds: float

    @property
    def n_selected(self) -> int:
        """Tracks in the file."""
        return sum(self.n_tracks.values())


@dataclass(frozen=True)
class ImageSampleSummary:
    """What `generate` did for a sample of images.

    Attributes
    ----------
    n_images
        Class name -> its images in the file.
    seconds
        Wall time.
    """

    name: str
    path: Path
    n_images: Mapping[str, int]
    n_workers: int
    seconds: float

    @property
    def n_selected(self) -> int:
        """Images in the file."""
        return sum(self.n_images.values())
