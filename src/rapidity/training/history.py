"""What happened in each epoch."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, field, fields
from itertools import groupby
from typing import TYPE_CHECKING, Self

from rapidity.core.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any


@dataclass(frozen=True)
class EpochRow:
    """One epoch; None where a quantity is not defined (no validation split, one class only).

    Attributes
    ----------
    epoch
        Counted from 1.
    rate
        Learning rate of the last step.
    train_loss
        Mean loss of the steps, as they were taken: with dropout, penalties and parameters that change.
    validation_loss
        Weighted mean loss after the epoch, without penalties.
    train_accuracy, train_auc
        After the epoch, on a fixed part of the training split (see `monitoring.choose_rows`).
    seconds
        Wall time, evaluation included, checkpoint not.
    engine
        Which engine trained; a training may go on with another one.
    output_losses
        Of several outputs: ``train_loss_<output>`` after the epoch, on the same part of the training split,
        and ``validation_loss_<output>``; each without its factor in the sum.
    """

    epoch: int
    rate: float
    train_loss: float
    validation_loss: float | None
    train_accuracy: float | None
    validation_accuracy: float | None
    train_auc: float | None
    validation_auc: float | None
    seconds: float
    engine: str | None = None
    output_losses: Mapping[str, float | None] = field(default_factory=dict)


COLUMNS = tuple(one.name for one in fields(EpochRow) if one.name != "output_losses")
"""Names of the columns of a history, in order."""
NUMBERS = tuple(name for name in COLUMNS if name != "engine")
"""Those that can be plotted."""


@dataclass(frozen=True)
class History:
    """The epochs of a training in order."""

    rows: tuple[EpochRow, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[EpochRow]:
        return iter(self.rows)

    def extended(self, row: EpochRow) -> History:
        """Return the history with one more epoch."""
        return History((*self.rows, row))

    def columns(self) -> dict[str, list[float | None]]:
        """Return column name -> value of every epoch, for plots; numbers only.

        Examples
        --------
        >>> History((EpochRow(1, 0.1, 0.7, 0.6, 0.5, 0.5, 0.6, 0.6, 2.0),)).columns()["rate"]
        [0.1]
        """
        numbers: dict[str, list[float | None]] = {
            name: [getattr(row, name) for row in self.rows] for name in NUMBERS
        }
        return numbers | {
            name: [row.output_losses.get(name) for row in self.rows] for name in self.output_columns
        }

    @property
    def output_columns(self) -> tuple[str, ...]:
        """Names of the columns of the single outputs, after those that every history has."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.output_losses))

    def engines(self) -> list[dict[str, Any]]:
        """Return which engine trained from which epoch to which, in order.

        Examples
        --------
        >>> from dataclasses import replace
        >>> row = EpochRow(1, 0.1, 0.7, 0.6, 0.5, 0.5, 0.6, 0.6, 2.0, "torch")
        >>> History((row, replace(row, epoch=2), replace(row, epoch=3, engine="numpy"))).engines()
        [{'engine': 'torch', 'first_epoch': 1, 'last_epoch': 2},
         {'engine': 'numpy', 'first_epoch': 3, 'last_epoch': 3}]
        """
        spans = [(engine, list(rows)) for engine, rows in groupby(self.rows, key=lambda row: row.engine)]
        return [
            {"engine": engine, "first_epoch": rows[0].epoch, "last_epoch": rows[-1].epoch}
            for engine, rows in spans
        ]

    def to_list(self) -> list[dict[str, Any]]:
        """Return plain values, one dictionary an epoch."""
        return [asdict(row) for row in self.rows]

    @classmethod
    def from_list(cls, rows: Sequence[Mapping[str, Any]]) -> Self:
        """Return the history that `to_list` described."""
        return cls(tuple(EpochRow(**row) for row in rows))

    def write_csv(self, path: Path | str) -> None:
        """Write one line an epoch under a line of names; undefined values stay empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*COLUMNS, *self.output_columns))
        writer.writerows(
            [*(getattr(row, name) for name in COLUMNS), *map(row.output_losses.get, self.output_columns)]
            for row in self.rows
        )
        write_text(path, text.getvalue())
