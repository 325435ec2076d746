"""Where every row went: entries read, selected and written of each file; what was left out, and why."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rapidity.core.counting import counted
from rapidity.core.errors import DataError, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rapidity.config.conversion import ConversionConfig
    from rapidity.data.conversion.assembly import Assembly
    from rapidity.data.conversion.ledger import Ledger
    from rapidity.data.conversion.looking import BadFile
    from rapidity.data.conversion.normalisation import Normalisation
    from rapidity.data.conversion.part import PartResult
    from rapidity.data.conversion.plan import PlannedCollection
    from rapidity.data.conversion.planning import ConversionPlan

METADATA_VERSION = 1
MOST_FILES_SHOWN = 20


@dataclass(frozen=True)
class FileRecord:
    """What became of the entries of a file.

    Attributes
    ----------
    source
        Number of the source that it belongs to.
    """

    path: str
    source: int
    class_name: str | None
    n_read: int
    n_selected: int
    n_written: int


@dataclass(frozen=True)
class CollectionRecord:
    """What became of the objects of a collection.

    Attributes
    ----------
    n_objects
        Objects that the output has room for in an event; None where it keeps lists of any length.
    n_cut, n_events_cut
        Objects left out because their event has more; events that lose some.
    """

    name: str
    order_by: str | None
    select: str | None
    n_objects: int | None
    n_cut: int
    n_events_cut: int


@dataclass(frozen=True)
class SampleRecord:
    """What is known of the events of a source.

    Attributes
    ----------
    n_negative
        Events written with a negative weight.
    """

    source: str
    class_name: str | None
    n_written: int
    n_negative: int
    normalisation: Normalisation | None


@dataclass(frozen=True)
class Effort:
    """The work that a conversion took, and where its result is."""

    output: Path
    n_parts_found: int
    seconds: float


@dataclass(frozen=True)
class ConversionSummary:
    """What was written.

    Attributes
    ----------
    n_parts, n_parts_found
        Parts of the work, and how many of them an earlier attempt had done.
    unreadable
        Columns left out because they cannot be read.
    unordered
        Collections in the order of the files because no transverse momentum was found.
    """

    output: Path
    n_written: int
    files: tuple[FileRecord, ...]
    skipped: tuple[BadFile, ...]
    samples: tuple[SampleRecord, ...]
    collections: tuple[CollectionRecord, ...]
    columns: tuple[str, ...]
    unreadable: tuple[str, ...]
    unordered: tuple[str, ...]
    n_parts: int
    n_parts_found: int
    seconds: float

    @property
    def n_read(self) -> int:
        """Entries of all files."""
        return sum(file.n_read for file in self.files)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values for JSON."""
        return {**asdict(self), "output": str(self.output), "n_read": self.n_read}

    def metadata(self, configuration: dict[str, Any], version: str) -> str:
        """Return what is kept in the output, as JSON: what it was made of and how, and no times or machines.

        Conversions of the same files are the same, byte by byte.
        """
        facts = self.to_dict()
        for name in ("output", "seconds", "n_parts", "n_parts_found", "skipped"):
            del facts[name]
        facts["skipped_files"] = [asdict(file) for file in self.skipped]
        head = {"metadata_version": METADATA_VERSION, "rapidity": version, "configuration": configuration}
        return json.dumps(head | facts)

    def __str__(self) -> str:
        """Return the summary for a terminal."""
        rate = self.n_read / self.seconds if self.seconds > 0 else 0.0
        read = f"{counted(self.n_read, 'event')} of {counted(len(self.files), 'file')}"
        what = f"{self.n_written:,} of {read}"
        lines = [
            f"{what}: {self.output}",
            f"  {counted(len(self.columns), 'column')}, {self.seconds:.1f} s, {rate:,.0f} events/s",
            *self._file_lines(),
            *self._weight_lines(),
            *self._collection_lines(),
        ]
        if self.unreadable:
            lines.append(f"  left out, as they cannot be read: {shorten(self.unreadable)}")
        if self.skipped:
            lines.append(f"  skipped: {counted(len(self.skipped), 'bad file')}")
            lines += [f"    {file.path}: {file.reason.splitlines()[0]}" for file in self.skipped]
        return "\n".join(lines)

    def _file_lines(self) -> list[str]:
        lines = [
            f"  {file.path}: {file.n_read:,} read, {file.n_selected:,} selected, {file.n_written:,} written"
            + (f" ({file.class_name})" if file.class_name else "")
            for file in self.files[:MOST_FILES_SHOWN]
        ]
        hidden = len(self.files) - MOST_FILES_SHOWN
        return [*lines, f"  ... {counted(hidden, 'more file')}"] if hidden > 0 else lines

    def _weight_lines(self) -> list[str]:
        lines = []
        for sample in self.samples:
            norm = sample.normalisation
            if norm is None:
                continue
            text = f"  weights of {sample.class_name or sample.source}: {sample.n_negative:,} negative"
            if norm.sum_of_weights is not None:
                text += (
                    f"; {norm.cross_section_pb:g} pb * {norm.luminosity_inverse_fb:g} /fb / "
                    f"{norm.sum_of_weights:.6g} (sum of generator weights) = {norm.factor:.6g} each"
                )
            lines.append(text)
        return lines

    def _collection_lines(self) -> list[str]:
        lines = []
        for collection in self.collections:
            order = f"by {collection.order_by}" if collection.order_by else "in the order of the file"
            if collection.name in self.unordered:
                order += " (no transverse momentum found; set order_by)"
            room = "" if collection.n_objects is None else f", room for {collection.n_objects}"
            cut = ""
            if collection.n_cut:
                events = counted(collection.n_events_cut, "event")
                cut = f"; {counted(collection.n_cut, 'object')} of {events} cut off"
            lines.append(f"  {collection.name}: {order}{room}{cut}")
        return lines


def summarise(
    config: ConversionConfig, plan: ConversionPlan, ledger: Ledger, assembly: Assembly, how: Effort
) -> ConversionSummary:
    """Return where every row went, when all parts are settled and written."""
    return ConversionSummary(
        how.output,
        assembly.n_written,
        tuple(_list_files(config, ledger, assembly)),
        tuple(ledger.bad.values()),
        tuple(_describe_sample(config, number, ledger, assembly) for number in range(len(config.sources))),
        tuple(
            _count_objects(item, ledger.good_results(), assembly.widths.get(item.name, item.n_objects))
            for item in plan.parts[0].collections
        ),
        assembly.column_names,
        plan.unreadable,
        plan.unordered,
        len(ledger.parts),
        how.n_parts_found,
        how.seconds,
    )


def _list_files(config: ConversionConfig, ledger: Ledger, assembly: Assembly) -> Iterator[FileRecord]:
    for number, look in enumerate(ledger.looks):
        if look.file.path in ledger.bad:
            continue
        results = ledger.good_results(file=number)
        source = look.file.source.index
        yield FileRecord(
            look.file.path,
            source,
            config.sources[source].class_name,
            sum(result.n_read for result in results),
            sum(result.n_selected for result in results),
            assembly.n_written_of.get(number, 0),
        )


def _describe_sample(
    config: ConversionConfig, source: int, ledger: Ledger, assembly: Assembly
) -> SampleRecord:
    results = ledger.good_results(source=source)
    return SampleRecord(
        config.name_of(source),
        config.sources[source].class_name,
        sum(result.n_selected for result in results),
        sum(result.n_negative for result in results),
        assembly.normalisation_of(source) if config.is_weighted and results else None,
    )


def _count_objects(
    collection: PlannedCollection, results: Sequence[PartResult], width: int | None
) -> CollectionRecord:
    name = collection.name
    return CollectionRecord(
        name,
        collection.order_by,
        collection.select,
        width,
        sum(result.n_cut.get(name, 0) for result in results),
        sum(result.n_events_cut.get(name, 0) for result in results),
    )


def check_rows(summary: ConversionSummary, selection: str | None) -> list[str]:
    """Return warnings about files of which nothing is selected.

    Raises
    ------
    DataError
        If nothing is left at all, or not all that was selected is in the output.
    """
    if not summary.n_written:
        kept = f", and the selection '{selection}' keeps none" if selection else ""
        message = (
            f"no event is left: {summary.n_read:,} entries of {len(summary.files)} files were read{kept}. "
            "Check the files and the units of the numbers: rapidity inspect shows the ranges of the columns."
        )
        raise DataError(message)
    for file in summary.files:
        if file.n_written != file.n_selected:
            message = (
                f"{file.path}: {file.n_written:,} of {file.n_selected:,} selected events are in the output, "
                "which is an error of the program; nothing was written. Remove the folder of parts, and "
                "convert again."
            )
            raise DataError(message)
    return [
        f"Warning: no event of {file.path} is selected ({file.n_read:,} entries read)."
        for file in summary.files
        if not file.n_written
    ]
