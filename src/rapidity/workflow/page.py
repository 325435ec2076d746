"""The page of a run, made from what lies in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.core.counting import counted
from rapidity.core.errors import DataError
from rapidity.report import DrawnFigure, ReportContent, find_pages, write_report
from rapidity.workflow.clouds import describe_objects
from rapidity.workflow.run import Run, describe_jumps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rapidity.workflow.run_folder import RunFolder


def describe_figures(
    figures: Mapping[str, Sequence[DrawnFigure]], base: Path
) -> dict[str, list[dict[str, Any]]]:
    """Return section -> figures as plain values for run.json, paths relative to the folder of the run."""
    return {
        section: [
            {
                "name": figure.name,
                "title": figure.title,
                "caption": figure.caption,
                "width_px": figure.width_px,
                "paths": [path.relative_to(base).as_posix() for path in figure.paths],
            }
            for figure in drawn
        ]
        for section, drawn in figures.items()
    }


def write_run_report(folder: Path | str) -> Path:
    """Write report.html of a finished run again, from the files in its folder, and return its path."""
    run = Run.open(folder)
    write_page(run)
    return run.path.report


def write_page(run: Run) -> None:
    """Write report.html."""
    record = run.record
    figures = {
        section: [_read_figure(run.path, described) for described in listed]
        for section, listed in record["figures"].items()
    }
    network = figures.pop("network", [])
    content = ReportContent(
        name=record["name"],
        summary=_summarise(record),
        metrics=run.metrics,
        figures=figures,
        interactive={
            title: path.relative_to(run.folder).as_posix()
            for title, path in find_pages(run.path.interactive).items()
        },
        network=network[0] if network else None,
        network_facts=_network_facts(record),
        training_facts=_training_facts(record),
        parity=_parity_facts(record["parity"]),
        warnings=record["warnings"],
        configuration=run.path.config.read_text(encoding="utf-8"),
        provenance=_provenance(record),
    )
    write_report(run.path.report, content)


def _read_figure(folder: RunFolder, described: Mapping[str, Any]) -> DrawnFigure:
    paths = tuple(folder.path / path for path in described["paths"])
    picture = next(path for path in paths if path.suffix == ".png")
    if not picture.is_file():
        message = f"{picture} is missing, so the page cannot be made. Train the run again with --overwrite."
        raise DataError(message)
    return DrawnFigure(
        described["name"],
        described["title"],
        described["caption"],
        paths,
        picture.read_bytes(),
        described["width_px"],
    )


def _summarise(record: Mapping[str, Any]) -> str:
    training = record["training"]
    epochs = counted(training["epochs"], "epoch")
    return (
        f"Trained with the {training['engine']} engine for {epochs}; every number below comes from "
        f"model.onnx, run in ONNX Runtime. Finished {_show_time(record['finished'])}."
    )


def _show_time(text: str) -> str:
    """Return a time of the record as people write it.

    Examples
    --------
    >>> _show_time("2026-11-22T08:44:26+00:00")
    '2026-11-22 08:44:26 UTC'
    """
    return text.replace("T", " ").replace("+00:00", " UTC")


def _network_facts(record: Mapping[str, Any]) -> dict[str, str]:
    folds = record["training"].get("folds", ())
    each = f" in each of {len(folds)} networks" if folds else ""
    clouds = record.get("clouds", {})
    return {
        "Parameters": f"{record['n_parameters']:,}{each}",
        **{f"Objects of {name}": describe_objects(counts) for name, counts in clouds.items()},
    }


def _training_facts(record: Mapping[str, Any]) -> dict[str, str]:
    training = record["training"]
    if "folds" in training:
        return _fold_facts(record)
    ended = "validation split no longer improved" if training["stopped_early"] else "all done"
    return {
        "Epochs": f"{training['epochs']} ({ended})",
        "Best epoch": str(training["best_epoch"]),
        "Parameters kept from epoch": str(training["kept_epoch"]),
        "Time": f"{record['seconds']['training']:.1f} s",
    }


def _fold_facts(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts of all trainings, one number a fold, from fold 0 on."""
    folds = record["training"]["folds"]
    return {
        "Networks": f"{len(folds)}, one for each fold; their runs are in folds/0 to folds/{len(folds) - 1}",
        **{
            name: ", ".join(str(fold[key]) for fold in folds)
            for name, key in (
                ("Epochs", "epochs"),
                ("Best epoch", "best_epoch"),
                ("Parameters kept from epoch", "kept_epoch"),
            )
        },
        "Time": f"{record['seconds']['training']:.1f} s",
    }


def _parity_facts(parity: Mapping[str, Any]) -> dict[str, str]:
    deviations = parity["by_batch_size"].items()
    jumps = describe_jumps(parity)
    return {
        "ONNX parity": f"{parity['max_deviation']:.1e}",
        **{f"Batches of {size}": f"{value:.1e}" for size, value in deviations},
        "Largest allowed": f"{parity['tolerance']:.0e}",
        **({"Events that differ": jumps[0]} if jumps else {}),
    }


def _provenance(record: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        "Run": {
            "Started": _show_time(record["started"]),
            "Finished": _show_time(record["finished"]),
            "Configuration (SHA-256)": record["config_sha256"],
        },
        "Versions": {name: str(version) for name, version in record["versions"].items()},
        "Machine": {name: str(value) for name, value in record["machine"].items()},
        "Seeds": {name: str(seed) for name, seed in record["seeds"].items() if seed is not None},
        "Data (SHA-256)": dict(record["data_sha256"]),
        "Seconds": {name: f"{seconds:.2f}" for name, seconds in record["seconds"].items()},
    }
