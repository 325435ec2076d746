"""Where a training stands, on disk: a kill at any moment leaves a whole checkpoint behind.

A state is written to a file of its own, ``epoch-0007.safetensors``. Then ``last.json`` is replaced, which
names the files of the last and of the best epoch with their hashes: that one rename makes the checkpoint
valid. Files that it does not name are deleted afterwards. ``best.json`` names the best epoch for other
programs; resuming does not read it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidity.core.errors import DataError
from rapidity.core.files import write_atomically, write_text
from rapidity.core.records import State
from rapidity.training.history import History
from rapidity.training.plateau import Plateau
from rapidity.training.stopping import Monitor

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VERSION = 1
WITHIN_EPOCHS = 2
"""Version of a checkpoint inside an epoch, which earlier programs do not know."""


WITHIN_EPOCH = ("segment", "n_steps", "loss_sum", "seconds")
"""Fields of a `Position` that tell how far an epoch has come."""


@dataclass(frozen=True)
class Position:
    """Where a training stands after a whole number of segments of an epoch: all that going on needs.

    Attributes
    ----------
    state, best_state
        State of the model after the last segment, and after the best epoch.
    is_finished
        Whether there is nothing left to do.
    segment
        Complete segments of the epoch under way; 0 after a complete epoch.
    n_steps, loss_sum, seconds
        Of that epoch so far: steps taken, sum over events of the loss of their step, wall time.
    """

    state: State
    best_state: State
    history: History = field(default_factory=History)
    monitor: Monitor = field(default_factory=Monitor)
    plateau: Plateau = field(default_factory=Plateau)
    is_finished: bool = False
    segment: int = 0
    n_steps: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0

    @property
    def epoch(self) -> int:
        """Number of complete epochs."""
        return len(self.history)

    @property
    def place(self) -> tuple[int, int]:
        """Complete epochs, and complete segments of the next."""
        return self.epoch, self.segment


class CheckpointFolder:
    """The folder ``checkpoints/`` of a run.

    Parameters
    ----------
    path
        The folder; made when the first checkpoint is saved.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._saved: dict[tuple[int, int], _StateFile] = {}

    @property
    def exists(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return self._last.is_file()

    @property
    def _last(self) -> Path:
        return self.path / "last.json"

    def save(self, position: Position, configuration: Mapping[str, Any]) -> None:
        """Make `position` the checkpoint; `configuration` is kept to be compared when resuming."""
        best_epoch = position.monitor.best_epoch
        best = self._save_state((best_epoch, 0), position.best_state)
        last = self._save_state(position.place, position.state)
        described = {
            "format_version": WITHIN_EPOCHS if position.segment else FORMAT_VERSION,
            "epoch": position.epoch,
            **{name: getattr(position, name) for name in WITHIN_EPOCH if position.segment},
            "state": last.to_dict(),
            "best_epoch": best_epoch,
            "best_state": best.to_dict(),
            "is_finished": position.is_finished,
            "monitor": position.monitor.to_dict(),
            "plateau": position.plateau.to_dict(),
            "configuration": configuration,
            "history": position.history.to_list(),
        }
        self._write_json(self._last, described)
        described_best = {
            "format_version": FORMAT_VERSION,
            "epoch": best_epoch,
            "monitor": position.monitor.to_dict(),
            "state": best.to_dict(),
        }
        self._write_json(self.path / "best.json", described_best)
        self._saved = {(best_epoch, 0): best, position.place: last}
        self._delete_states_except({best.name, last.name})

    def load(self) -> tuple[Position, dict[str, Any]]:
        """Return the checkpoint and the configuration that it was made with.

        Raises
        ------
        DataError
            If the checkpoint is not there, damaged, or of a later version.
        """
        described = self._read_json(self._last)
        try:
            last, best = _StateFile(**described["state"]), _StateFile(**described["best_state"])
            position = Position(
                state=self._load_state(last),
                best_state=self._load_state(best),
                history=History.from_list(described["history"]),
                monitor=Monitor.from_dict(described["monitor"]),
                plateau=Plateau.from_dict(described["plateau"]),
                is_finished=described["is_finished"],
                **{name: described[name] for name in WITHIN_EPOCH if name in described},
            )
            configuration = dict(described["configuration"])
        except (KeyError, TypeError) as error:
            raise self._damaged(self._last, f"its content is not as written ({error})") from error
        self._saved = {(position.monitor.best_epoch, 0): best, position.place: last}
        return position, configuration

    def clear(self) -> None:
        """Remove the checkpoint, if there is one; other files stay."""
        self._saved = {}
        # First what makes it valid, so that a kill in between leaves no checkpoint rather than half of one.
        self._last.unlink(missing_ok=True)
        (self.path / "best.json").unlink(missing_ok=True)
        self._delete_states_except(set())

    def _save_state(self, place: tuple[int, int], state: State) -> _StateFile:
        from safetensors.numpy import save

        if place in self._saved:
            return self._saved[place]
        # Serialised here rather than by safetensors' own writer, so that a full disk is an OSError.
        content = save({name: array.copy(order="C") for name, array in state.arrays.items()})
        epoch, segment = place
        name = f"epoch-{epoch:04d}-{segment:04d}" if segment else f"epoch-{epoch:04d}"
        file = _StateFile(f"{name}.safetensors", hashlib.sha256(content).hexdigest(), dict(state.numbers))
        with write_atomically(self.path / file.name) as temporary:
            temporary.write_bytes(content)
        self._saved[place] = file
        return file

    def _load_state(self, file: _StateFile) -> State:
        from safetensors.numpy import load

        path = self.path / file.name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise self._damaged(path, f"it cannot be read ({error.strerror})") from error
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise self._damaged(path, f"its {len(content):,} bytes are not those that were written")
        arrays = {name: array.copy() for name, array in load(content).items()}
        return State(arrays, dict(file.numbers))

    def _write_json(self, path: Path, content: Mapping[str, Any]) -> None:
        write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")

    def _read_json(self, path: Path) -> dict[str, Any]:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise self._damaged(path, f"it cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise self._damaged(path, f"it is not JSON ({error})") from error
        version = content.get("format_version") if isinstance(content, dict) else None
        if version not in (FORMAT_VERSION, WITHIN_EPOCHS):
            raise self._damaged(path, f"its format_version is {version!r}, expected {WITHIN_EPOCHS} or less")
        return dict(content)

    def _damaged(self, path: Path, found: str) -> DataError:
        message = (
            f"cannot use the checkpoint in {self.path}: {path.name}: {found}. Expected the files "
            "as rapidity wrote them.\n  Restore them from a copy, or train anew (rapidity train --overwrite)."
        )
        return DataError(message)

    def _delete_states_except(self, names: set[str]) -> None:
        for path in self.path.glob("epoch-*.safetensors"):
            if path.name not in names:
                path.unlink(missing_ok=True)


@dataclass(frozen=True)
class _StateFile:
    """A state on disk."""

    name: str
    sha256: str
    numbers: dict[str, int | float]

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "sha256": self.sha256, "numbers": self.numbers}
