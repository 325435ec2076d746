"""Images in the model file: as stored in, prepared in the graph as in training."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from rapidity.artefact import OnnxModel, build_model, check_parity, write_model
from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.images import add_image
from rapidity.artefact.model import PIXELS_IN_A_BATCH
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError, ExportError
from rapidity.data.features import Feature
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.fitted_image import FittedImage
from rapidity.data.fitted_table import FittedTable
from rapidity.data.image_region import ImageRegion
from rapidity.data.images import ImageColumns
from rapidity.data.preparation import FittedPreparation
from rapidity.data.transforms.clip import FittedClip
from rapidity.data.transforms.divide import FittedDivide
from rapidity.data.transforms.log import FittedLog
from rapidity.data.transforms.min_max import FittedMinMax
from rapidity.data.transforms.robust import FittedRobust
from rapidity.data.transforms.smooth_clip import FittedSmoothClip
from rapidity.data.transforms.standard import FittedStandard
from rapidity.data.transforms.symmetric_log import FittedSymmetricLog
from rapidity.data.transforms.table import TRANSFORMS
from rapidity.expressions import parse_expression
from rapidity.network import LayerList, build_network

N_EVENTS = 6
EVERY_TRANSFORM = (
    FittedClip(0.0, 200.0), FittedLog(3.0, 3.0), FittedSymmetricLog(0.3), FittedDivide(255.0),
    FittedStandard(0.01, 0.005), FittedRobust(0.3, 2.0), FittedSmoothClip(3.0), FittedMinMax(-0.5, 3.0),
)  # fmt: skip
"""In an order in which each gets numbers that it takes."""
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float32", "float64")


def make_pixels(shape, dtype):
    values = np.random.default_rng(1).integers(0, 100, shape)
    return (values + 0.25 if dtype.startswith("float") else values).astype(dtype)


@pytest.fixture
def run_image(run_model):
    """Return a function that prepares images of these columns in ONNX Runtime."""

    def run(fitted, columns):
        graph = GraphBuilder()
        dtypes = {name: values.dtype.name for name, values in columns.items()}
        for name, values in columns.items():
            graph.add_input(name, dtypes[name], ["n", *values.shape[1:]])
        value = add_image(graph, fitted, dtypes)
        graph.add_output(value, "result", "float32", ["n", *fitted.shape])
        return run_model(graph.build({}, "").SerializeToString(), columns)["result"]

    return run


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_of_pixels_is_prepared_as_in_training(run_image, dtype):
    columns = {"image": make_pixels((N_EVENTS, 4, 3), dtype)}
    fitted = FittedImage(ImageColumns(("image",), (4, 3)), ((FittedStandard(33.3, 7.7),),))
    found = run_image(fitted, columns)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, fitted.apply(columns))


def test_every_transform_is_there():
    assert {type(transform) for transform in EVERY_TRANSFORM} == set(TRANSFORMS.values())


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
@pytest.mark.parametrize("n_steps", range(1, len(EVERY_TRANSFORM) + 1))
def test_transforms_give_what_they_give_in_training(run_image, dtype, n_steps):
    columns = {"image": make_pixels((N_EVENTS, 4, 3), dtype)}
    fitted = FittedImage(ImageColumns(("image",), (4, 3)), (EVERY_TRANSFORM[:n_steps],))
    np.testing.assert_allclose(run_image(fitted, columns), fitted.apply(columns), rtol=3e-6, atol=1e-6)


LAYOUTS = {
    "all channels": ImageColumns(("image",), (4, 3, 5), channels=(0, 1, 2, 3, 4)),
    "some channels": ImageColumns(("image",), (4, 3, 5), channels=(3, 1, 2)),
    "channels first": ImageColumns(("image",), (5, 4, 3), channels_first=True, channels=(0, 1, 2, 3, 4)),
    "some of the first": ImageColumns(("image",), (5, 4, 3), channels_first=True, channels=(4, 0)),
    "one of many": ImageColumns(("image",), (4, 3, 5), channels=(2,)),
    "columns": ImageColumns(("near", "far"), (4, 3), channels=(1, 0)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_channels_are_found_in_every_layout(run_image, layout):
    image = LAYOUTS[layout]
    columns = {
        name: make_pixels((N_EVENTS, *image.stored_shape), dtype)
        for name, dtype in zip(image.columns, ("uint8", "int32"), strict=False)
    }
    transforms = tuple((FittedStandard(10.0 * k, 1.0 + k),) for k in range(len(image.channels)))
    fitted = FittedImage(image, transforms)
    np.testing.assert_allclose(run_image(fitted, columns), fitted.apply(columns), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
@pytest.mark.parametrize("layout", ["some of the first", "some channels", "columns"])
@pytest.mark.parametrize(
    "region",
    [ImageRegion(1, 0, 2, 3), ImageRegion(0, 1, 4, 2, (2, 1)), ImageRegion(0, 0, 4, 3, (4, 3), "mean")],
)
def test_regions_and_kept_zeros_are_those_of_training(run_image, layout, region, dtype):
    image = replace(LAYOUTS[layout], region=region)
    columns = {name: make_pixels((N_EVENTS, *image.stored_shape), dtype) for name in image.columns}
    for values in columns.values():
        values[np.random.default_rng(2).random(values.shape) < 0.7] = 0
    for keeps_zeros in (False, True):
        steps = (FittedLog(2.0, 1.0), FittedStandard(0.3, 0.2))
        fitted = FittedImage(image, (steps, *((),) * (image.shape[2] - 1)), keeps_zeros)
        expected = fitted.apply(columns)
        assert (expected[..., 0] == 0).any() or not keeps_zeros or region.function == "mean"
        np.testing.assert_allclose(run_image(fitted, columns), expected, rtol=1e-5, atol=1e-6)


def test_channels_may_have_transforms_of_another_structure(run_image):
    columns = {"image": make_pixels((N_EVENTS, 4, 3, 3), "uint8")}
    image = ImageColumns(("image",), (4, 3, 3), channels=(0, 1, 2))
    fitted = FittedImage(image, ((FittedDivide(2.0),), (), (FittedDivide(5.0),)))
    np.testing.assert_array_equal(run_image(fitted, columns), fitted.apply(columns))


@pytest.fixture
def image_preparation():
    """Return the preparation of one image of two channels and one feature."""
    image = FittedImage(
        ImageColumns(("image",), (4, 3, 2), channels=(0, 1)), ((FittedDivide(255.0),), (FittedDivide(99.0),))
    )
    feature = FittedFeature(Feature("energy", parse_expression("energy")))
    return FittedPreparation(
        {"photo": image, "event": FittedTable((feature,))},
        {"image": "uint8", "energy": "float32"},
        {"image": (0.0, 255.0)},
        column_shapes={"image": (4, 3, 2)},
    )


@pytest.fixture
def image_network(image_preparation):
    """Return a network of both inputs."""
    layers = [
        {"type": "flatten", "name": "flat", "inputs": "photo"},
        {"type": "concatenate", "inputs": ["flat", "event"]},
        {"type": "dense", "units": 5},
        "relu",
    ]
    config = LayerList.model_validate({"layers": layers})
    return build_network(config, image_preparation.input_shapes(), {"class": 1})


@pytest.fixture
def image_columns():
    """Return 20 events of `image_preparation`."""
    rng = np.random.default_rng(3)
    return {
        "image": rng.integers(0, 256, (20, 4, 3, 2), dtype=np.uint8),
        "energy": rng.random(20, dtype=np.float32),
    }


@pytest.fixture
def image_model(tmp_path, image_preparation, image_network, classes):
    """Return the model file of these."""
    write_model(
        tmp_path / "model.onnx",
        preparation=image_preparation,
        classes=classes,
        network=image_network,
        parameters=image_network.initial_parameters(np.random.default_rng(1)),
        metadata={},
    )
    return OnnxModel.load(tmp_path / "model.onnx")


def test_the_input_is_the_column_as_stored(image_model):
    (image, energy) = image_model.session.get_inputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["n", 4, 3, 2])
    assert (energy.name, energy.type, energy.shape) == ("energy", "tensor(float)", ["n"])
    assert image_model.inputs["image"].shape == (4, 3, 2)
    assert image_model.inputs["image"].column_dtype == np.dtype((np.uint8, (4, 3, 2)))
    assert image_model.inputs["energy"].column_dtype == np.float32
    (described, _) = json.loads(image_model.metadata["rapidity.inputs"])
    assert described == {
        "name": "image", "dtype": "uint8", "unit": None, "training_range": [0.0, 255.0], "shape": [4, 3, 2],
    }  # fmt: skip


def test_scores_are_those_of_the_prepared_events(
    image_model, image_network, image_preparation, image_columns, classes
):
    parameters = image_network.initial_parameters(np.random.default_rng(1))
    prepared = image_preparation.apply(image_columns)
    joined = np.concatenate([prepared["photo"].reshape(20, -1), prepared["event"]], axis=1)
    hidden = np.maximum(joined @ parameters["dense_1.kernel"] + parameters["dense_1.bias"], 0)
    logits = hidden @ parameters["class_logits.kernel"] + parameters["class_logits.bias"]
    np.testing.assert_allclose(image_model.run(image_columns).logits, logits, rtol=1e-5, atol=1e-6)
    report = check_parity(image_model, image_columns, logits, classes)
    assert set(report.deviations) == {1, 2, 20}


def test_batches_of_images_are_small(image_model, image_columns, monkeypatch):
    assert image_model.usual_batch_size == PIXELS_IN_A_BATCH // 24
    whole = image_model.run(image_columns).logits
    monkeypatch.setattr("rapidity.artefact.model.PIXELS_IN_A_BATCH", 24 * 3)
    assert image_model.usual_batch_size == 3
    np.testing.assert_allclose(image_model.run(image_columns).logits, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["int64", "float32", "float64", ">i2"])
def test_pixels_of_other_types_are_converted(image_model, image_columns, dtype):
    other = {**image_columns, "image": image_columns["image"].astype(dtype)}
    np.testing.assert_array_equal(image_model.run(other).logits, image_model.run(image_columns).logits)


@pytest.mark.parametrize("bad", [0.5, -1.0, 256.0, np.nan])
def test_pixels_that_do_not_fit_are_refused(image_model, image_columns, bad):
    images = image_columns["image"].astype(np.float64)
    images[13, 2, 1, 0] = bad
    with pytest.raises(DataError, match=rf"column 'image' must hold whole numbers that fit into uint8, found "
                       rf"{bad} in row 13. Use images with the range and type"):  # fmt: skip
        image_model.run({**image_columns, "image": images}, batch_size=4)


@pytest.mark.parametrize("shape", [(20,), (20, 4, 3), (20, 3, 4, 2)])
def test_images_of_another_shape_are_refused(image_model, image_columns, shape):
    with pytest.raises(DataError, match=r"column 'image' must hold images, numbers of shape \(n_events, 4, 3,"
                       r" 2\), found uint8 of shape"):  # fmt: skip
        image_model.run({**image_columns, "image": np.zeros(shape, np.uint8)})


def test_columns_of_another_length_are_refused(image_model, image_columns):
    with pytest.raises(DataError, match=r"differ in length \(image: 19, energy: 20\)"):
        image_model.run({**image_columns, "image": image_columns["image"][:19]})


def test_no_matrix_holds_images(image_preparation, image_network, classes):
    with pytest.raises(ExportError, match=r"the signature matrix has one number a column, but image hold "
                       "images. Set deliver.signature to columns"):  # fmt: skip
        build_model(
            preparation=image_preparation,
            classes=classes,
            network=image_network,
            parameters=image_network.initial_parameters(np.random.default_rng(1)),
            metadata={},
            signature="matrix",
        )


def test_the_same_arguments_give_the_same_bytes(image_preparation, image_network):
    parts = {
        "preparation": image_preparation,
        "classes": ClassSet(("signal", "background")),
        "network": image_network,
        "parameters": image_network.initial_parameters(np.random.default_rng(1)),
        "metadata": {},
    }
    assert build_model(**parts) == build_model(**parts)
