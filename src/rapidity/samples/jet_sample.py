"""The records that describe a sample of jets and what making one yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class JetSample:
    """A sample of jets of two classes, as images and as clouds of their constituents.

    Attributes
    ----------
    classes
        Names of the classes 0, 1.
    settings
        Lines for Pythia that both share.
    class_settings
        Class -> the lines of its process.
    """

    name: str
    title: str
    classes: tuple[str, str]
    settings: tuple[str, ...]
    class_settings: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True)
class JetSampleSummary:
    """What `generate` did for a sample of jets.

    Attributes
    ----------
    path
        The file that was asked for.
    paths
        All files: images and clouds, or clouds alone.
    n_jets
        Class name -> its jets.
    n_generated
        Events that Pythia made in the blocks that were used.
    seconds
        Wall time.
    """

    name: str
    path: Path
    paths: tuple[Path, ...]
    n_jets: Mapping[str, int]
    n_generated: int
    n_workers: int
    seconds: float

    @property
    def n_selected(self) -> int:
        """Jets in each of the files."""
        return sum(self.n_jets.values())
