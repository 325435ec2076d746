"""What the catalogue says about itself."""

from __future__ import annotations

import pytest

from rapidity.core.errors import GraphError
from rapidity.network import CATALOGUE, describe_network


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_network_is_described(name: str) -> None:
    description = describe_network(name)
    assert description.description.endswith(".")
    assert description.paper
    assert description.n_parameters > 0
    assert all(key.description for key in description.keys)


def test_keys_show_their_defaults() -> None:
    defaults = {key.name: key.default for key in describe_network("residual_mlp").keys}
    assert defaults["width"] == 192
    assert defaults["normalization"] == "batch"


def test_an_unknown_network_shows_the_near_names() -> None:
    with pytest.raises(GraphError, match=r"unknown network 'rsidual_mlp'\. Did you mean 'residual_mlp'\?"):
        describe_network("rsidual_mlp")
