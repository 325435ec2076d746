"""A small streamed run that a test can kill: ``python streamed_training.py CONFIG FOLDER``.

It goes on where there is a checkpoint, saves after every segment of an epoch, and prints a line after every
save.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import patch

from rapidity.training import CheckpointFolder, loop
from rapidity.workflow.train import train_run


def train(config: Path, folder: Path) -> None:
    loop.SECONDS_BETWEEN_CHECKPOINTS = 0.0
    save = CheckpointFolder.save

    def save_and_say(self, position, configuration):
        save(self, position, configuration)
        print("saved", *position.place, flush=True)

    CheckpointFolder.save = save_and_say
    with patch("rapidity.workflow.train.draw_figures", lambda *_: {}):  # of no interest, and slow
        train_run(config, output=folder, resume=(folder / "run.json").is_file())


if __name__ == "__main__":
    train(Path(sys.argv[1]), Path(sys.argv[2]))
