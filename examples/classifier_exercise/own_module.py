"""The network as a class of one's own: `nn.Module` with dropout, trained and exported by Rapidity."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import nn

import rapidity

CONFIG = Path(__file__).with_name("own_module.yaml")


class SimpleDNN(nn.Module):
    """Two hidden layers; the result is a logit, since the sigmoid belongs to the model file."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(n_features, 50)
        self.linear2 = nn.Linear(50, 50)
        self.dropout = nn.Dropout(0.1)
        self.linear3 = nn.Linear(50, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logit of each event ``(n_events, 1)`` for features ``(n_events, n_features)``."""
        x = nn.functional.relu(self.linear1(x))
        x = self.dropout(nn.functional.relu(self.linear2(x)))
        return self.linear3(x)


def main() -> None:
    """Train the module and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--output", type=Path, default=Path("runs/own-module"))
    arguments = parser.parse_args()
    run = rapidity.train(
        arguments.config,
        output=arguments.output,
        overwrite=True,
        # The number of features is known once the data are read: indicators of missing values add some.
        module=lambda shapes: SimpleDNN(*shapes["features"]),
    )
    print(run.summary())


if __name__ == "__main__":
    main()
