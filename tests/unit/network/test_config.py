"""The `network:` block: shorthand, unions made from the tables, and clean places of errors."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from rapidity.network import CATALOGUE, LAYERS, LayerList, Mlp, NetworkConfig
from rapidity.network.layers import Activation, BatchNorm, Dense
from rapidity.network.layers.activation import ACTIVATIONS

READER: TypeAdapter[NetworkConfig] = TypeAdapter(NetworkConfig)


def errors_of(value: object) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        READER.validate_python(value)
    return [(error["loc"], error["msg"]) for error in caught.value.errors()]


def test_bare_names_stand_for_layers() -> None:
    config = READER.validate_python({"layers": ["relu", "batch_norm", {"type": "dense", "units": 2}]})
    assert isinstance(config, LayerList)
    assert [type(layer) for layer in config.layers] == [Activation, BatchNorm, Dense]


def test_a_bare_name_stands_for_a_network() -> None:
    assert READER.validate_python("mlp") == Mlp(type="mlp")


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_configuration_survives_being_written_and_read(name: str) -> None:
    config = READER.validate_python({"type": name})
    assert READER.validate_python(READER.dump_python(config, mode="json")) == config


def test_layers_of_images_survive_being_written_and_read() -> None:
    layers = ["max_pool2d", {"type": "conv2d", "filters": 3, "padding": [1, 2], "stride": 2}, "global_pool"]
    config = READER.validate_python({"layers": layers})
    assert READER.validate_python(READER.dump_python(config, mode="json")) == config


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_an_activation_survives_being_written_and_read(function: str) -> None:
    config = READER.validate_python({"layers": [function]})
    assert READER.validate_python(READER.dump_python(config, mode="json")) == config


def test_the_place_of_an_error_holds_only_what_the_user_wrote() -> None:
    found = errors_of({"layers": ["relu", {"type": "dropout", "rate": 1.5}, {"type": "dense"}]})
    assert [place for place, _ in found] == [("layers", 1, "rate"), ("layers", 2, "units")]
    assert "1.5 is not in [0, 1). Dropout rate is the fraction of units set to zero." in found[0][1]
    assert errors_of({"type": "mlp", "hiden": [3]})[0][0] == ("hiden",)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"layers": ["dens"]}, "unknown layer 'dens'. Did you mean 'dense'?"),
        ({"layers": ["dense"]}, "Field required"),
        ({"layers": [{"type": "relu"}]}, "'relu' is an activation. Write {type: activation, function: relu}"),
        ({"layers": [{"units": 3}]}, "a layer is written as {type: dense, units: 64}"),
        ({"layers": [3]}, "found 3"),
        ({"layers": []}, "at least 1 item"),
        ({"type": "mpl"}, "unknown network 'mpl'. Did you mean 'mlp'? Known: mlp, residual_mlp"),
        ({}, "a network is written as {type: mlp, hidden: [64, 64]}, or {layers: [...]}"),
        ({"type": "mlp", "dropout": 1.0}, "1.0 is not in [0, 1)"),
        ({"type": "residual_mlp", "residual_dropout": -0.1}, "-0.1 is not in [0, 1)"),
        (
            {"layers": [{"type": "dense", "units": 3, "bias": False, "bias_rate_factor": 0.1}]},
            "bias_rate_factor belongs to the bias, and there is none (bias: false). Leave it out",
        ),
        ({"type": "realmlp", "dropout": 1.0}, "1.0 is not in [0, 1)"),
        (
            {"layers": [{"type": "activation", "function": "relu", "slope": 0.3}]},
            "slope belongs to leaky_relu, but the function is relu. Leave it out",
        ),
        (
            {"layers": [{"type": "activation", "function": "relu", "alpha": 0.3}]},
            "alpha belongs to elu",
        ),
        ({"layers": [{"type": "dense", "units": 3, "name": "a.b"}]}, "should match pattern"),
        ({"layers": [{"type": "conv2d", "filters": 4, "groups": 3}]}, "3 groups do not divide 4 filters"),
        (
            {"layers": [{"type": "max_pool2d", "padding": 2}]},
            "padding 2 is more than half of the window of 2",
        ),
        ({"layers": [{"type": "average_pool2d", "padding": [0, 2]}]}, "padding 2 is more than half"),
        ({"type": "lenet", "filters": [6]}, "Field required"),
        (
            {"type": "resnet", "depths": [3, 3]},
            "there are 3 widths but 2 depths. Give each stage one of both",
        ),
        (
            {"type": "inception", "filters": [64, 100]},
            "100 is not a multiple of 16, the parts in which the branches of a module share its channels out",
        ),
        ({"type": "inception", "filters": [8]}, "share its channels out. Take 16 or 32"),
        ({"type": "vit", "heads": 5}, "5 heads do not divide the width 64. Each head has a share of it"),
        ({"type": "vit", "attention_dropout": 1.0}, "1.0 is not in [0, 1)"),
        ({"type": "deep_sets", "object_hidden": []}, "at least 1 item"),
        ({"layers": [{"type": "attention", "dropout": -0.1}]}, "-0.1 is not in [0, 1)"),
        ({"layers": [{"type": "scale", "initial": "nan"}]}, "finite number"),
        ({"type": "cnn", "kernel_size": 0}, "expected a whole number of at least 1"),
    ],
)
def test_a_wrong_network_is_explained(value: object, message: str) -> None:
    assert any(message in text for _, text in errors_of(value)), errors_of(value)


def test_the_schema_for_editors_knows_every_layer_and_network() -> None:
    schema = READER.json_schema()
    kinds = {
        properties["type"].get("const")
        for definition in schema["$defs"].values()
        if "type" in (properties := definition["properties"])
    }
    assert kinds == {*LAYERS, *CATALOGUE}
    assert schema["$defs"]["Dropout"]["properties"]["rate"]["description"]


@pytest.mark.parametrize("variant", [*LAYERS.values(), *CATALOGUE.values()])
def test_every_key_is_documented(variant: type[Dense]) -> None:
    assert variant.__doc__
    assert [
        key for key, field in variant.model_fields.items() if key != "type" and not field.description
    ] == []
