"""`rapidity generate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rapidity.cli.options import Json, Overwrite, Quiet
from rapidity.cli.outcome import print_json, print_table
from rapidity.core.counting import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.samples import ImageSampleSummary, JetSampleSummary, SampleSummary, TrackSampleSummary


def generate(
    sample: Annotated[
        str,
        typer.Argument(
            metavar="SAMPLE",
            help="Name of the sample: hww_ttbar, tth_bb, lhcb_pid, electron_photon or quark_gluon.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The file to write: .h5; tth_bb: .root; tracks (lhcb_pid): also .csv, .csv.gz, .parquet; "
            "of quark_gluon .parquet (images, and .h5 beside it) or .h5.",
            show_default=False,
        ),
    ],
    n_events: Annotated[
        int, typer.Option("--events", min=1, help="Rows of the file (selected events), all classes together.")
    ] = 40_000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The same seed gives the same events on any number of cores.")
    ] = 1,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes. [default: all cores]", show_default=False),
    ] = None,
    *,
    underlying_event: Annotated[
        bool,
        typer.Option(
            "--underlying-event", help="Simulate multiple parton interactions too; about six times slower."
        ),
    ] = False,
    selection: Annotated[
        str | None,
        typer.Option(
            "--selection",
            help="Events to keep: of tth_bb 6j4b for six jets, four of them b-tagged. [default: 5j3b]",
            show_default=False,
        ),
    ] = None,
    unlabelled: Annotated[
        bool,
        typer.Option("--unlabelled", help="Leave out the classes: a file to predict on (not of hww_ttbar)."),
    ] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Generate a simulated sample."""
    from rapidity.core.errors import DataError
    from rapidity.core.progress import make_progress
    from rapidity.samples import ImageSampleSummary, JetSampleSummary, TrackSampleSummary, files_of
    from rapidity.samples import generate as generate_sample

    there = next((file for file in files_of(sample, output) if file.exists()), None)
    if there is not None and not overwrite:
        message = f"{there} exists already. Give --overwrite to replace it, or another --output"
        raise DataError(message)
    summary = generate_sample(
        sample, output, n_events=n_events, seed=seed, underlying_event=underlying_event, selection=selection,
        labelled=not unlabelled, workers=workers, progress=make_progress(quiet=quiet),
    )  # fmt: skip
    if isinstance(summary, TrackSampleSummary):
        _show_classes(summary, "tracks", summary.n_tracks, as_json=as_json)
        return
    if isinstance(summary, ImageSampleSummary):
        _show_classes(summary, "images", summary.n_images, as_json=as_json)
        return
    if isinstance(summary, JetSampleSummary):
        _show_classes(summary, "jets", summary.n_jets, as_json=as_json)
        return
    if as_json:
        print_json({"path": summary.path, "seconds": summary.seconds, "processes": _as_dict(summary)})
        return
    typer.echo(f"{counted(summary.n_selected, 'event')} in {summary.seconds:.1f} s: {summary.path}\n")
    rows = [(name, *numbers.values()) for name, numbers in _as_dict(summary).items()]
    print_table(rows, ["process", "generated", "selected", "cross-section (pb)", "yield at 1 fb-1"])


def _show_classes(
    summary: "TrackSampleSummary | ImageSampleSummary | JetSampleSummary",
    rows: str,
    counts: "Mapping[str, int]",
    *,
    as_json: bool,
) -> None:
    if as_json:
        print_json({"path": summary.path, "seconds": summary.seconds, rows: dict(counts)})
        return
    paths = ", ".join(str(path) for path in summary.paths)
    found = counted(summary.n_selected, rows.removesuffix("s"))
    typer.echo(f"{found} in {summary.seconds:.1f} s: {paths}\n")
    print_table(list(counts.items()), ["class", rows])


def _as_dict(summary: "SampleSummary") -> dict[str, dict[str, float]]:
    return {
        name: {
            "n_generated": process.n_generated,
            "n_selected": process.n_selected,
            "cross_section_pb": process.cross_section_pb,
            "expected_yield": process.expected_yield,
        }
        for name, process in summary.processes.items()
    }
