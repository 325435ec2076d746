"""The file after ``--columns``: what the columns of a model are called, and are measured in, elsewhere."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationError

from rapidity.config.document import Problem, read_document
from rapidity.config.problems import collect_problems, format_problems
from rapidity.core.block import Block
from rapidity.core.errors import ConfigError, closest, shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


class _ColumnMapFile(Block):
    columns: Annotated[dict[str, str], Field(min_length=1)]
    """Column of the model -> expression over the columns of the files: `pt: lep_pt / 1000`."""
    objects: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Names for expressions, as in `data.objects`."""


@dataclass(frozen=True)
class ColumnMap:
    """Where the columns of a model come from.

    Attributes
    ----------
    source
        The YAML file, for messages.
    columns
        Column of the model -> expression over the columns of a file.
    objects
        Names that the expressions may use, as in `data.objects`.
    places
        Column of the model -> where its entry stands: ``line 3``.
    """

    source: str
    columns: Mapping[str, str]
    objects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    def where(self, name: str) -> str:
        """Return file and line of an entry."""
        return f"{self.source}, {self.places.get(name, 'line 1')}"

    def check_names(self, known: Collection[str]) -> None:
        """Raise a ConfigError about entries for columns that the model does not take."""
        problems = []
        for name in self.columns:
            if name in known:
                continue
            near = closest(name, known, limit=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            text = f"the model takes no such column.{hint}\nit takes: {shorten(known, 20)}"
            problems.append(Problem(self.places.get(name, "line 1"), ("columns", name), text))
        if problems:
            raise ConfigError(format_problems(problems, self.source))


def load_column_map(path: Path) -> ColumnMap:
    """Read the YAML file after ``--columns``.

    Raises
    ------
    ConfigError
        If the file cannot be read, and with every unknown key and wrong type, each with its line.
    """
    if path.suffix not in {".yaml", ".yml", ".json"} and not path.exists():
        message = (
            f"--columns takes a YAML file that says what the columns of the model are called here; found "
            f"'{path}', and no such file. If these are the names of the columns, for files that carry none: "
            f"--column-names {shlex.quote(str(path))}"
        )
        raise ConfigError(message)
    document = read_document(path, "`columns:`, and below it a column of the model and what it is here")
    try:
        block = _ColumnMapFile.model_validate(document.values)
    except ValidationError as error:
        problems = collect_problems(error, _ColumnMapFile, document)
        raise ConfigError(format_problems(problems, str(path))) from error
    places = {name: document.where(("columns", name)) for name in block.columns}
    return ColumnMap(str(path), block.columns, block.objects, places)
