"""The main job on events generated on the spot: nothing to download, nothing to write first."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.files import write_text
from rapidity.core.progress import Progress, SilentProgress
from rapidity.samples import generate
from rapidity.workflow.run_folder import RunFolder
from rapidity.workflow.train import load, train_run

if TYPE_CHECKING:
    from rapidity.workflow.run import Run

SAMPLE = "hww_ttbar"
STARTER = files("rapidity.config") / "starters" / f"{SAMPLE}.yaml"


def run_demo(
    *,
    n_events: int = 40_000,
    engine: str | None = None,
    output: Path | str | None = None,
    seed: int = 1,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Generate Higgs and top-pair events, train on them, and return the finished run.

    The folder `output` (``demo`` when left out) gets the events ``hww_ttbar.h5``, a ``config.yaml``
    to play with, and the run itself in ``run/``.

    Parameters
    ----------
    n_events
        Selected events to generate, both classes together.
    seed
        Of the generator and of the training.

    Raises
    ------
    RapidityError
        If Pythia or PyTorch is not installed, or the folder holds something else.
    """
    folder = Path(output) if output is not None else Path("demo")
    progress = progress or SilentProgress()
    run_folder = RunFolder(folder / "run")
    run_folder.require_free(resume=False, overwrite=overwrite)
    config = folder / "config.yaml"
    write_text(config, STARTER.read_text(encoding="utf-8"))
    overrides = [f"training.seed={seed}"]
    # An engine that is not installed should be found out before the events are made.
    load(config, engine, overrides)
    generate(SAMPLE, folder / f"{SAMPLE}.h5", n_events=n_events, seed=seed, progress=progress)
    return train_run(
        config,
        output=run_folder.path,
        engine=engine,
        overrides=overrides,
        overwrite=overwrite,
        progress=progress,
    )
