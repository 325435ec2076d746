"""Layers of images inside PyTorch: what a user takes away, and that nothing is copied on the way."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from rapidity.core.records import Batch, ResidentBatches
from rapidity.engines import get_engine
from rapidity.network import LayerList, Network, build_network

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

IMAGES = np.random.default_rng(3).standard_normal((5, 7, 6, 4)).astype(np.float32)


def make_network(*layers: object) -> Network:
    config = LayerList.model_validate({"layers": [*layers, "flatten"]})
    return build_network(config, {"image": IMAGES.shape[1:]}, {"class": 1})


def build(*layers: object) -> object:
    network = make_network(*layers)
    return get_engine("torch").build(network, network.initial_parameters(np.random.default_rng(1)), "cpu")


def channels_first(images: np.ndarray) -> object:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("kernel", [[3, 3], [2, 5], [4, 4]])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_is_that_of_pytorch_where_that_has_one(kernel: list[int], dilation: int) -> None:
    """`torch.nn.Conv2d` knows `same` for a stride of one alone; it too adds odd pixels at the end."""
    settings = {"filters": 3, "kernel_size": kernel, "dilation": dilation, "padding": "same"}
    model = build({"type": "conv2d", "name": "tried", **settings})
    plain = torch.nn.Conv2d(4, 3, kernel, padding="same", dilation=dilation)
    with torch.no_grad():
        plain.weight.copy_(torch.from_numpy(model.parameters()["tried.kernel"].transpose(3, 2, 0, 1).copy()))
        plain.bias.zero_()
        expected = plain(channels_first(IMAGES)).permute(0, 2, 3, 1).numpy()
    found = model.predict(ResidentBatches(Batch({"image": IMAGES}), 5), ["tried"])["tried"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_the_native_module_takes_images_with_the_channels_last() -> None:
    model = build({"type": "conv2d", "filters": 3}, "relu", "max_pool2d", {"type": "average_pool2d"})
    taken = copy.deepcopy(model.native)
    parts = [type(part).__mro__[1] for part in taken.children()]
    assert parts[0] is torch.nn.Conv2d
    assert parts[2] is torch.nn.MaxPool2d
    assert parts[3] is torch.nn.AvgPool2d
    expected = model.predict(ResidentBatches(Batch({"image": IMAGES}), 5))["class"]
    np.testing.assert_array_equal(taken(torch.from_numpy(IMAGES)).detach().numpy(), expected)


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "conv2d", "filters": 3},
        {"type": "conv2d", "filters": 4, "padding": "same", "stride": 2, "groups": 2},
        {"type": "depthwise_conv2d", "multiplier": 2},
        {"type": "max_pool2d"},
        {"type": "max_pool2d", "kernel_size": 4, "padding": "same"},
        {"type": "average_pool2d"},
        {"type": "average_pool2d", "kernel_size": 4, "padding": "same"},
        {"type": "upsample2d"},
        {"type": "batch_norm"},
    ],
)
def test_results_lie_in_memory_with_the_channels_last(layer: dict[str, object]) -> None:
    """Else each layer would copy what the one before it made."""
    module = build({**layer, "name": "tried"}).native.tried
    assert module(torch.from_numpy(IMAGES)).is_contiguous()


def test_values_that_follow_from_the_settings_are_no_part_of_the_state() -> None:
    model = build({"type": "average_pool2d", "kernel_size": 4, "padding": "same"})
    assert list(model.native.state_dict()) == ["class_logits.weight", "class_logits.bias"]
    assert list(model.parameters()) == ["class_logits.kernel", "class_logits.bias"]


def test_rectifiers_write_over_rows_but_not_over_images() -> None:
    """Autograd copies a view that is written over, and results of image layers are views."""
    model = build({"type": "conv2d", "filters": 3}, "relu", "batch_norm", "relu", "flatten")
    assert [module.inplace for module in model.native.modules() if isinstance(module, torch.nn.ReLU)] == [
        False,
        False,
    ]
    model = build("flatten", {"type": "dense", "units": 3}, "relu")
    assert model.native.relu_1.inplace


def test_gradients_reach_the_whole_image_through_odd_padding() -> None:
    module = build({"type": "max_pool2d", "name": "tried", "kernel_size": 4, "padding": "same"}).native.tried
    images = torch.from_numpy(IMAGES).requires_grad_()
    result = module(images)
    result.sum().backward()
    assert torch.isfinite(result).all()
    assert images.grad.sum() == result.numel()
