"""Putting parts into the output: in their order while others are converted, or each at its place at the end.

A format with one writer at a time (Parquet, compressed HDF5, ...) takes each part as soon as all before it
are there, and what it depends on is known. Columnar HDF5 without compression is made when its size is known,
and the parts are written into it in any order, by all processes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.data.conversion.destination import is_hdf5
from rapidity.data.conversion.merging import DEFAULT_COMPRESSION, Merger, Placer, describe_columns
from rapidity.data.conversion.normalisation import needs_all_entries, normalise
from rapidity.data.conversion.part_rows import PartOrigin, RowReader
from rapidity.data.conversion.placing import PlaceTask, place_part
from rapidity.data.writers import open_writer
from rapidity.data.writers.regions import has_fixed_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import ExitStack

    from rapidity.config.conversion import ConversionConfig
    from rapidity.data.conversion.ledger import Ledger, Part
    from rapidity.data.conversion.normalisation import Normalisation
    from rapidity.data.conversion.plan import PartPlan
    from rapidity.data.writers import OutputColumn

    Run = Iterable[tuple[int, int]]


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
        self.is_placed = self._has_places()
        """Whether the output is written at the end, by `place`."""
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
        return () if self._merger is None else self._merger.columns

    def describe(self, attributes: Mapping[str, str]) -> None:
        """Add texts about the whole file."""
        if self._merger is not None:
            self._merger.describe(attributes)

    def advance(self) -> None:
        """Write all parts whose turn it is."""
        if self.is_placed:
            return
        parts = self._ledger.parts
        while self._next < len(parts) and self._ledger.is_settled(self._next):
            part = parts[self._next]
            if not self._is_ready(part):
                return
            if self._count_rows(self._next):
                self._write(part)
            self._next += 1

    def place(self, run: Callable[[Callable[[PlaceTask], int], Sequence[PlaceTask]], Run]) -> Iterator[int]:
        """Write all parts, if that was left for the end; yields numbers of events as they are written.

        Parameters
        ----------
        run
            Has tasks done, as `Executor.run` does.
        """
        rows = {index: n for index in range(len(self._ledger.parts)) if (n := self._count_rows(index))}
        if not self.is_placed or not rows:
            return
        self._merger = placer = self._opened.enter_context(self._make_placer(sum(rows.values())))
        tasks = []
        for index, n_rows in rows.items():
            part = self._ledger.parts[index]
            tasks.append(placer.plan(Path(part.task.destination), self._find_origin(part), n_rows))
            self._note(part, n_rows)
        for _, n_rows in run(place_part, tasks):
            yield n_rows

    def _count_rows(self, index: int) -> int:
        """Return how many events of a part go into the output."""
        result = self._ledger.results.get(index)
        return 0 if result is None or self._ledger.is_bad(self._ledger.parts[index]) else result.n_selected

    def _has_places(self) -> bool:
        """Return whether any process can write rows of the output, once their number is known."""
        if not is_hdf5(self._output) or self._config.layout != "columnar":
            return False
        widths = {item.name: item.n_objects or 1 for item in self._plan.collections}
        columns = describe_columns(self._plan, widths, (), ())
        is_plain = self._compression == "none"
        return is_plain and all(has_fixed_size(column) for column in columns.values())

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
        before = self._merger.n_written
        self._merger.add(Path(part.task.destination), self._find_origin(part))
        self._note(part, self._merger.n_written - before)

    def _note(self, part: Part, n_rows: int) -> None:
        self.n_written_of[part.file] = self.n_written_of.get(part.file, 0) + n_rows

    def _find_origin(self, part: Part) -> PartOrigin:
        name = self._config.sources[part.source].class_name
        class_code = -1 if name is None else self._config.class_names.index(name)
        return PartOrigin(part.file, class_code, self.normalisation_of(part.source).factor)

    @property
    def _compression(self) -> str | None:
        given: str | None = self._config.compression
        return DEFAULT_COMPRESSION if given is None and is_hdf5(self._output) else given

    def _make_merger(self) -> Merger:
        columns = self._find_columns()
        writer = open_writer(
            self._output, columns=columns, layout=self._config.layout, compression=self._compression
        )
        return Merger(writer, RowReader(self._plan, self.widths, tuple(columns)))

    def _make_placer(self, n_rows: int) -> Placer:
        from rapidity.data.writers.hdf5_contiguous import ContiguousHdf5Writer

        columns = self._find_columns()
        writer = ContiguousHdf5Writer(self._output, columns, n_rows)
        return Placer(writer, RowReader(self._plan, self.widths, tuple(columns)))

    def _find_columns(self) -> dict[str, OutputColumn]:
        if self._plan.is_padded:
            results = self._ledger.good_results()
            for item in self._plan.collections:
                largest = max((result.n_largest[item.name] for result in results), default=0)
                self.widths[item.name] = item.n_objects or max(largest, 1)
        files = [look.file.path for look in self._ledger.looks]
        return describe_columns(self._plan, self.widths, self._config.class_names, files)
