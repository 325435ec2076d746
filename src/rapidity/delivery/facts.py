"""What a file of scores says about itself, so that it can be told later whether it still fits."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from rapidity.core.errors import DataError
from rapidity.core.files import write_text
from rapidity.data.readers.attributes import read_attribute

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ATTRIBUTE = "rapidity_scores"
"""Name of the ``TObjString`` in ROOT files, of the attribute in HDF5 and Parquet files."""
FORMAT_VERSION = 1


@dataclass(frozen=True)
class ScoreFacts:
    """The facts about one file of scores.

    Attributes
    ----------
    model, model_sha256
        Name of the model (of its run, or of its file) and hash of the file.
    source, source_table, n_entries
        Name of the file that was scored, its table, and how many entries that has.
    classes
        In the order of the scores.
    hashed
        Columns of the model, whose values `entry_hash` is made of, in order.
    selection
        What `pass` means; None where every entry passes.
    columns
        Column of the model -> expression over those of the file, where they were renamed.
    """

    model: str
    model_sha256: str
    source: str
    source_table: str
    n_entries: int | None
    classes: tuple[str, ...]
    hashed: tuple[str, ...]
    selection: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    rapidity: str = field(default_factory=lambda: version("rapidity"))
    format_version: int = FORMAT_VERSION

    def to_json(self) -> str:
        """Return the facts as text."""
        return json.dumps(asdict(self))


def write_facts(path: Path, facts: ScoreFacts) -> None:
    """Write the facts beside a file whose format has no room for them (CSV)."""
    write_text(_beside(path), facts.to_json() + "\n")


def read_facts(path: Path) -> ScoreFacts | None:
    """Return the facts about a file of scores; None if it is not one.

    Raises
    ------
    DataError
        If the file is damaged, or was written by a newer Rapidity.
    """
    text = read_attribute(path, ATTRIBUTE)
    if text is None and _beside(path).is_file():
        text = _beside(path).read_text(encoding="utf-8")
    if text is None:
        return None
    try:
        values: dict[str, Any] = json.loads(text)
        found = values["format_version"]
        if found != FORMAT_VERSION:
            message = (
                f"the scores in {path} have format version {found}, this Rapidity knows {FORMAT_VERSION}. "
                "Use the Rapidity that wrote them, or score the events again."
            )
            raise DataError(message)
        lists = {name: tuple(values[name]) for name in ("classes", "hashed")}
        return ScoreFacts(**{**values, **lists})
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, DataError):
            raise
        message = f"what {path} says about its scores cannot be read ({error}). Score the events again."
        raise DataError(message) from error


def _beside(path: Path) -> Path:
    """Return the file that holds the facts about a CSV file."""
    return path.with_name(f"{path.name}.json")
