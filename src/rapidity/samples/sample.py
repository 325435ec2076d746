"""The records that describe a simulated sample and what making one yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.core.jagged import Jagged
    from rapidity.samples.particles import Record

    EventColumns = dict[str, NDArray[Any] | Jagged]
    Reconstruct = Callable[[Record, np.random.Generator], tuple[EventColumns, NDArray[np.int64]]]
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
    code
        What stands for it in the column ``process`` of a tree.
    decays
        Further lines, one set for each of several equally frequent final states, which take turns.
    cross_section_pb
        The best prediction, in picobarns, branching ratios of the forced decays included; None: Pythia's own.
    """

    name: str
    dataset: str
    title: str
    settings: tuple[str, ...]
    code: int = 0
    decays: tuple[tuple[str, ...], ...] = ((),)
    cross_section_pb: float | None = None


@dataclass(frozen=True)
class SampleColumn:
    """A column of simulated events.

    Attributes
    ----------
    unit
        Empty for none.
    collection
        What its objects are called, for a column with a value for each of them.
    """

    unit: str = ""
    dtype: str = "float64"
    collection: str | None = None


@dataclass(frozen=True)
class Sample:
    """A sample that can be generated.

    Attributes
    ----------
    columns
        Column name -> what is written, in the order of the file.
    selections
        Name -> function from the particles of some events to the columns of the selected ones, and their
        indices among the events given. It must treat events one after another: what it returns for an event
        may not depend on later events. The first one is used unless another is asked for.
    layout
        Of the file: HDF5 with a dataset a process, or one tree (TTree) of ROOT called ``events`` for all.
    weight
        Name of the column of event weights.
    """

    name: str
    title: str
    processes: tuple[Process, ...]
    settings: tuple[str, ...]
    columns: Mapping[str, SampleColumn]
    selections: Mapping[str, Reconstruct]
    layout: Literal["hdf5", "tree"] = "hdf5"
    weight: str = "event_weight"

    @property
    def default_selection(self) -> str:
        """The selection that is used unless another is asked for."""
        return next(iter(self.selections))


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
        In picobarns, branching ratios of the forced decays included: the prediction that the process names,
        or Pythia's estimate.
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

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files that were written."""
        return (self.path,)


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

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files that were written."""
        return (self.path,)
