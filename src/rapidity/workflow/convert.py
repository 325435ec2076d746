"""`rapidity convert`: ntuples to one columnar file, in parts that are shared out, kept, and put together."""

from __future__ import annotations

import importlib.metadata
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rapidity.config.conversion import ConversionConfig, load_conversion
from rapidity.config.document import Document
from rapidity.config.problems import collect_problems, format_problems
from rapidity.core.errors import ConfigError, DataError, InterruptedRunError
from rapidity.core.progress import SilentProgress
from rapidity.data.conversion.accounting import ConversionSummary, Effort, check_rows, summarise
from rapidity.data.conversion.assembly import Assembly
from rapidity.data.conversion.destination import check_output, is_hdf5, resolve_output
from rapidity.data.conversion.guessing import sample_counts
from rapidity.data.conversion.journal import Journal
from rapidity.data.conversion.ledger import Ledger, list_parts
from rapidity.data.conversion.looking import BadFile, FileTask, SourceTable, WarmUp, look_at_file
from rapidity.data.conversion.part import convert_part
from rapidity.data.conversion.planning import plan_conversion
from rapidity.data.readers import find_files
from rapidity.data.writers import load_writer
from rapidity.workflow.execution import Executor, open_executor
from rapidity.workflow.execution.serial import SerialExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rapidity.config.cluster import ClusterBlock
    from rapidity.core.progress import Progress
    from rapidity.data.conversion.looking import FileLook
    from rapidity.data.conversion.planning import ConversionPlan

SMALL_BYTES = 2**24
"""So much is converted sooner by this process alone than by others that have to be started."""
_OF_SOURCE = (
    "tree", "dataset", "column_names", "class_name", "generator_weight", "cross_section", "sum_of_weights",
)  # fmt: skip
"""What may be given beside files and belongs to their source."""


def convert_files(  # noqa: PLR0913 - each argument is an option of the verb
    source: ConversionConfig | Path | str | Sequence[Path | str],
    output: Path | str | None = None,
    *,
    overrides: Sequence[str] = (),
    overwrite: bool = False,
    skip_bad_files: bool = False,
    cluster: str | ClusterBlock | None = None,
    n_workers: int | None = None,
    progress: Progress | None = None,
    **keys: Any,
) -> ConversionSummary:
    """Convert ntuples to one columnar file, HDF5 or Parquet by its suffix.

    An interrupted conversion is continued by the same call: what was done lies in ``OUTPUT.parts``.

    Parameters
    ----------
    source
        A YAML file or a `ConversionConfig`; or event files and globs, with the keys of the YAML
        (``columns``, ``collections``, ``selection``, ...) and of a source (``tree``, ``class_name``, ...)
        as `keys`.
    output
        The file to write; left out, that of the configuration.
    overrides
        Single values of the YAML to replace, ``key.inner=value``.
    skip_bad_files
        Leave out files that cannot be read or do not fit the others; they are listed in the summary and in
        the output. Else the first of them stops the conversion, and what is done stays.
    cluster, n_workers
        Where the work is done; see `rapidity.workflow.execution.open_executor`. The result is the same.

    Raises
    ------
    ConfigError, ExpressionError
        If the configuration cannot be what is wanted.
    DataError
        If a file is bad, nothing is selected, or the output cannot be written.
    InterruptedRunError
        On Ctrl-C.
    """
    config, base = _configure(source, overrides, keys)
    destination = resolve_output(config, base, output)
    tasks = list(_list_files(config, base))
    inputs = [Path(task.path) for task in tasks]
    check_output(destination, inputs, config, overwrite=overwrite)
    place = cluster if cluster is not None else config.cluster
    if place is None and n_workers is None and sum(path.stat().st_size for path in inputs) < SMALL_BYTES:
        n_workers = 1
    with Journal(destination) as journal:
        work = _Conversion(
            config,
            destination,
            journal,
            progress,
            skip_bad_files=skip_bad_files,
        )
        try:
            with open_executor(place, n_workers, progress, works_too=True) as executor:
                summary = work.run(executor, tasks)
        except KeyboardInterrupt as interrupt:
            raise InterruptedRunError(work.describe_rest()) from interrupt
        finally:
            journal.remove_if_empty()
        journal.remove()
    return summary


def _configure(
    source: ConversionConfig | Path | str | Sequence[Path | str],
    overrides: Sequence[str],
    keys: Mapping[str, Any],
) -> tuple[ConversionConfig, Path]:
    """Return the configuration, and the folder that its paths start from."""
    if isinstance(source, ConversionConfig):
        return source, Path.cwd()
    listed = [source] if isinstance(source, (str, Path)) else list(source)
    if len(listed) == 1 and Path(listed[0]).suffix in {".yaml", ".yml"}:
        if keys:
            message = f"{', '.join(keys)}: given beside {listed[0]}. Set them there, or with --set"
            raise ConfigError(message)
        loaded = load_conversion(listed[0], overrides)
        return loaded.config, loaded.base
    given = {key: value for key, value in keys.items() if value is not None}
    of_source = {key: given.pop(key) for key in _OF_SOURCE if key in given}
    if "column_names" in of_source:
        of_source["columns"] = of_source.pop("column_names")
    document = Document({"sources": [{"path": [str(path) for path in listed], **of_source}], **given})
    document.marks[()] = "given"
    for override in overrides:
        document.set_value(override)
    problems = list(document.problems)
    try:
        config = ConversionConfig.model_validate(document.values)
    except ValidationError as error:
        problems += collect_problems(error, ConversionConfig, document)
    if problems:
        raise ConfigError(format_problems(problems, "the options"))
    return config, Path.cwd()


def _list_files(config: ConversionConfig, base: Path) -> Iterator[FileTask]:
    for number, source in enumerate(config.sources):
        table = SourceTable(number, source.tree, source.dataset, source.columns, source.meta_column)
        for path in find_files(source.path, base):
            # Other machines may work in another folder.
            yield FileTask(str(path.absolute()), table, config.collections, config.objects)


class _Conversion:
    """The steps of a conversion, and what is to be said when it stops."""

    def __init__(
        self,
        config: ConversionConfig,
        output: Path,
        journal: Journal,
        progress: Progress | None,
        *,
        skip_bad_files: bool,
    ) -> None:
        self._config, self._output, self._journal = config, output, journal
        self._progress = progress or SilentProgress()
        self._skip_bad_files = skip_bad_files
        self._ledger = Ledger((), ())
        self._n_found = 0

    def run(self, executor: Executor, tasks: Sequence[FileTask]) -> ConversionSummary:
        """Look at the files, convert their parts, put them together."""
        start = time.perf_counter()
        # While other processes start: a library that comes later would make this process grow.
        loading = threading.Thread(target=load_writer, args=(self._output,), daemon=True)
        loading.start()
        looks = self._look(executor, tasks)
        loading.join()
        plan, looks = self._make_plan(looks, self._sample(executor, looks))
        ledger = Ledger(looks, list_parts(looks, plan.parts, self._journal))
        for bad in self._ledger.bad.values():
            ledger.take_bad(bad)
        self._ledger = ledger
        self._find_done()
        with ExitStack() as opened:
            # In the folder of the parts, so that nothing else is left of a conversion that is killed.
            assembly = Assembly(
                self._journal.folder / self._output.name,
                self._config,
                plan.parts[0],
                ledger,
                opened,
                is_patient=self._skip_bad_files,
            )
            self._convert(executor, assembly)
            if assembly.is_placed:
                self._place(executor, assembly)
            effort = Effort(self._output, self._n_found, time.perf_counter() - start)
            summary = summarise(self._config, plan, ledger, assembly, effort)
            for warning in check_rows(summary, self._config.selection):
                self._progress.note(warning)
            assembly.describe({"metadata": self._describe(summary)})
        (self._journal.folder / self._output.name).replace(self._output)
        return summary

    def describe_rest(self) -> str:
        """Return what is to be said when the work stops before its end."""
        if not self._ledger.n_done:
            return "the conversion was stopped before a part was done. Nothing was written."
        return f"the conversion was stopped: {self._what_stays()}"

    def _what_stays(self) -> str:
        return (
            f"{self._ledger.n_done} of {len(self._ledger.parts)} parts are done and stay in "
            f"{self._journal.folder}. The same command goes on from there."
        )

    def _look(self, executor: Executor, tasks: Sequence[FileTask]) -> list[FileLook]:
        found: dict[int, FileLook] = {}
        if tasks:
            # What takes longest of starting a process is the library that reads the files.
            executor.prepare(look_at_file, WarmUp(tasks[0].path))
        with self._progress.task("Looking at the files", total=len(tasks), unit="file") as task:
            for index, look in executor.run(look_at_file, list(tasks)):
                if isinstance(look, BadFile):
                    self._take_bad(look, len(tasks))
                elif look is not None:
                    found[index] = look
                task.advance()
        return [found[index] for index in sorted(found)]

    def _sample(self, executor: Executor, looks: Sequence[FileLook]) -> list[dict[str, str]]:
        """Return what a look into the first file of each source tells about collections."""
        if not self._config.has_globs:
            return []
        first = {look.file.source.index: look.file for look in reversed(looks)}
        config = self._config
        files = [file for _, file in sorted(first.items(), key=lambda pair: pair[0])]
        tasks = [FileTask(file.path, file.source, config.collections, config.objects) for file in files]
        return [sample for _, sample in sorted(executor.run(sample_counts, tasks), key=lambda pair: pair[0])]

    def _make_plan(
        self, looks: Sequence[FileLook], samples: Sequence[dict[str, str]]
    ) -> tuple[ConversionPlan, list[FileLook]]:
        self._require_files(looks)
        plan = plan_conversion(self._config, looks, samples, is_padded=is_hdf5(self._output))
        for bad in plan.bad_files:
            self._take_bad(bad, len(looks))
        good = [look for look in looks if look.file.path not in self._ledger.bad]
        self._require_files(good)
        return plan, good

    def _require_files(self, looks: Sequence[FileLook]) -> None:
        if not looks:
            bad = list(self._ledger.bad.values())
            reasons = "\n  ".join(f"{file.path}: {file.reason}" for file in bad[:5])
            message = f"none of the {len(bad)} files can be converted:\n  {reasons}"
            raise DataError(message)

    def _take_bad(self, bad: BadFile, n_files: int) -> None:
        """Note a bad file, or stop."""
        if self._skip_bad_files:
            self._ledger.take_bad(bad)
            return
        cure = " --skip-bad-files leaves such files out." if n_files > 1 else ""
        stays = f"\n  {self._what_stays()}" if self._ledger.n_done else ""
        where = "" if bad.path in bad.reason else f"{bad.path}: "
        message = f"{where}{bad.reason}{cure}{stays}"
        raise DataError(message)

    def _find_done(self) -> None:
        """Take over the parts that an earlier attempt has done."""
        parts = self._ledger.parts
        found = self._journal.find([part.key for part in parts])
        for index, part in enumerate(parts):
            if part.key in found.done:
                self._ledger.take(index, found.done[part.key])
        self._n_found = self._ledger.n_done
        changed = "The configuration or the files have changed since the earlier attempt"
        if found.n_useless and not self._n_found:
            self._progress.note(f"{changed}: beginning anew.")
        elif found.n_useless:
            self._progress.note(f"{changed}: {self._n_found} of {len(parts)} parts can be kept.")
        elif self._n_found:
            self._progress.note(
                f"Going on: {self._n_found} of {len(parts)} parts are done already ({self._journal.folder})."
            )

    def _convert(self, executor: Executor, assembly: Assembly) -> None:
        ledger = self._ledger
        numbers = [look.n_entries for look in ledger.looks]
        total = None if None in numbers else sum(number or 0 for number in numbers)
        waiting = ledger.open_parts
        with self._progress.task("Converting", total=total, unit="event") as task:
            task.advance(sum(result.n_read for result in ledger.results.values()))
            assembly.advance()
            for number, result in executor.run(convert_part, [ledger.parts[index].task for index in waiting]):
                if isinstance(result, BadFile):
                    self._take_bad(result, len(ledger.looks))
                else:
                    self._journal.record(ledger.parts[waiting[number]].key, result)
                    ledger.take(waiting[number], result)
                    task.advance(result.n_read)
                assembly.advance()

    def _place(self, executor: Executor, assembly: Assembly) -> None:
        """Have the output written, all parts of which are there."""
        # Not by other machines: a network file system may mix up what several write into one file.
        whose = executor if executor.is_local else SerialExecutor()
        n_events = sum(result.n_selected for result in self._ledger.good_results())
        with self._progress.task("Writing the output", total=n_events, unit="event") as task:
            for n_written in assembly.place(whose.run):
                task.advance(n_written)

    def _describe(self, summary: ConversionSummary) -> str:
        configuration = self._config.model_dump(
            mode="json", by_alias=True, exclude_defaults=True, exclude={"cluster", "output"}
        )
        return summary.metadata(configuration, importlib.metadata.version("rapidity"))
