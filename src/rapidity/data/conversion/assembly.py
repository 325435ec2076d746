"""Putting parts into the output as soon as all before them are there, and what they depend on is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.data.conversion.destination import is_hdf5
from rapidity.data.conversion.merging import DEFAULT_COMPRESSION, Merger
from rapidity.data.conversion.normalisation import needs_all_entries, normalise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

    from rapidity.config.conversion import ConversionConfig
    from rapidity.data.conversion.ledger import Ledger, Part
    from rapidity.data.conversion.normalisation import Normalisation
    from rapidity.data.conversion.plan import PartPlan


class Assembly:
    """The output while it is written.

    Parameters
    ----------
    plan
        Of any source: the columns are the same in all.
    opened
        Closes the output; if that happens after an error, nothing appears.
    is_patient
        Whether a part waits for the others of its file, one of which may yet turn out to be bad.
    """

    def __init__(
        self,
        output: Path,
        config: ConversionConfig,
        plan: PartPlan,
        ledger: Ledger,
        opened: ExitStack,
        *,
        is_patient: bool,
    ) -> None:
        self._output, self._config, self._plan, self._ledger = output, config, plan, ledger
        self._opened = opened
        self._is_patient = is_patient
        self._next = 0
        self._merger: Merger | None = None
        self._normalisations: dict[int, Normalisation] = {}
        self.widths: dict[str, int] = {}
        """Objects that each collection has room for; empty where they are kept as lists."""
        self.n_written_of: dict[int, int] = {}
        """By number of the file: events written."""

    @property
    def n_written(self) -> int:
        """Events written so far."""
        return 0 if self._merger is None else self._merger.n_written

    @property
    def column_names(self) -> tuple[str, ...]:
        """Columns of the output."""
        return () if self._merger is None else tuple(self._merger.columns)

    def describe(self, attributes: Mapping[str, str]) -> None:
        """Add texts about the whole file."""
        if self._merger is not None:
            self._merger.describe(attributes)

    def advance(self) -> None:
        """Write all parts whose turn it is."""
        parts = self._ledger.parts
        while self._next < len(parts) and self._ledger.is_settled(self._next):
            part = parts[self._next]
            if not self._is_ready(part):
                return
            result = self._ledger.results.get(self._next)
            if result is not None and result.n_selected and not self._ledger.is_bad(part):
                self._write(part)
            self._next += 1

    def normalisation_of(self, source: int) -> Normalisation:
        """Return what the generator weights of a source are multiplied by; known when it is settled."""
        if source not in self._normalisations:
            block = self._config.sources[source]
            if needs_all_entries(block):
                sums = [result.sum_of_weights for result in self._ledger.good_results(source=source)]
            else:
                sums = [look.sum_of_weights for look in self._ledger.good_looks(source)]
            self._normalisations[source] = normalise(
                block, self._config.luminosity, sums, self._config.name_of(source)
            )
        return self._normalisations[source]

    def _is_ready(self, part: Part) -> bool:
        """Return whether all that the part depends on is known."""
        ledger, source = self._ledger, self._config.sources[part.source]
        has_widths = not self._plan.is_padded or all(item.n_objects for item in self._plan.collections)
        # The fullest event, which says how wide the rows are, may be in the last part.
        if not has_widths and not ledger.is_all_settled:
            return False
        if self._is_patient and not ledger.is_file_settled(part.file):
            return False
        # A bad file changes the sums of its sample, wherever they are from.
        waits = needs_all_entries(source) or (self._is_patient and source.cross_section is not None)
        return not waits or ledger.is_source_settled(part.source)

    def _write(self, part: Part) -> None:
        if self._merger is None:
            self._merger = self._opened.enter_context(self._make_merger())
        name = self._config.sources[part.source].class_name
        class_code = -1 if name is None else self._config.class_names.index(name)
        before = self._merger.n_written
        factor = self.normalisation_of(part.source).factor
        self._merger.add(Path(part.task.destination), part.file, class_code, factor)
        written = self._merger.n_written - before
        self.n_written_of[part.file] = self.n_written_of.get(part.file, 0) + written

    def _make_merger(self) -> Merger:
        if self._plan.is_padded:
            results = self._ledger.good_results()
            for item in self._plan.collections:
                largest = max((result.n_largest[item.name] for result in results), default=0)
                self.widths[item.name] = item.n_objects or max(largest, 1)
        compression: str | None = self._config.compression
        if compression is None and is_hdf5(self._output):
            compression = DEFAULT_COMPRESSION
        return Merger(
            self._output,
            self._plan,
            self.widths,
            self._config.class_names,
            [look.file.path for look in self._ledger.looks],
            layout=self._config.layout,
            compression=compression,
        )
