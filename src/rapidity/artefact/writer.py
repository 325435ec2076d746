"""Writing model.onnx: raw columns, preparation, network and final activation in one graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.artefact.body import add_body
from rapidity.artefact.clouds import add_cloud
from rapidity.artefact.columns import MatrixColumns, SeparateColumns, Signature, cast, name_counts
from rapidity.artefact.emission import Emitter
from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.images import add_image
from rapidity.artefact.layers import lower_network
from rapidity.artefact.metadata import PREFIX, ModelFacts, ModelInput
from rapidity.artefact.namespace import OnnxNamespace
from rapidity.artefact.outputs import CloudPlaces, add_outputs
from rapidity.core.classes import ClassSet
from rapidity.core.errors import ExportError
from rapidity.core.files import write_atomically
from rapidity.data.fitted_cloud import MOMENTA, FittedCloud
from rapidity.data.fitted_image import FittedImage
from rapidity.data.fitted_outputs import FittedAssignment, FittedClassification, FittedOutputs
from rapidity.network import head_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rapidity.artefact.columns import ColumnSource
    from rapidity.core.records import Parameters
    from rapidity.data.fitted_feature import FittedFeature
    from rapidity.data.fitted_outputs import FittedOutput
    from rapidity.data.preparation import FittedPreparation
    from rapidity.network import Shape
    from rapidity.network.graph import Network

    MakeSource = Callable[
        [GraphBuilder, Mapping[str, str], Mapping[str, Shape], Mapping[str, str]], ColumnSource
    ]

SIGNATURES: dict[Signature, MakeSource] = {
    "columns": SeparateColumns,
    "matrix": MatrixColumns,
}
OTHER_DESCRIPTION = "Raw columns in, predictions out. Written by Rapidity; see the metadata 'rapidity.*'."
DESCRIPTION = "Raw columns in, class probabilities out. Written by Rapidity; see the metadata 'rapidity.*'."


def write_model(  # noqa: PLR0913 - all by name; each is a part of the file
    path: Path | str,
    *,
    preparation: FittedPreparation,
    classes: ClassSet,
    metadata: Mapping[str, str],
    network: Network | None = None,
    parameters: Parameters | None = None,
    body: bytes | None = None,
    signature: Signature = "columns",
    outputs: FittedOutputs | None = None,
) -> None:
    """Write one ONNX file that takes raw columns and gives what `artefact.outputs` says.

    The same arguments give the same bytes. The file appears whole or not at all.

    Parameters
    ----------
    preparation
        The fitted preparation; its features are replayed as float64 nodes and cast to float32 at the end,
        its images as `artefact.images` says.
    metadata
        Further entries, such as ``configuration`` and ``data_hashes``; each is stored as ``rapidity.<key>``.
    network, parameters
        The declared graph and its canonical parameters; or else
    body
        An ONNX model of the network alone: inputs named as those of the preparation, outputs of logits
        ``<output>_logits`` (a single one may have any name).
    signature
        ``columns``: one input ``[n]`` per raw column, of images ``[n, ...]`` as stored, of objects
        ``[n, objects]`` with one input ``n_<collection> [n]`` per collection; ``matrix``: one input
        ``columns [n, n_columns]``.
    outputs
        What the network says of an event; None: a single classification of `classes`.

    Raises
    ------
    ExportError
        If the network cannot be written as ONNX, or does not fit the preparation or the classes.
    """
    data = build_model(
        preparation=preparation, classes=classes, metadata=metadata, network=network, parameters=parameters,
        body=body, signature=signature, outputs=outputs,
    )  # fmt: skip
    with write_atomically(path) as temporary:
        temporary.write_bytes(data)


def build_model(  # noqa: PLR0913 - all by name; each is a part of the file
    *,
    preparation: FittedPreparation,
    classes: ClassSet,
    metadata: Mapping[str, str],
    network: Network | None = None,
    parameters: Parameters | None = None,
    body: bytes | None = None,
    signature: Signature = "columns",
    outputs: FittedOutputs | None = None,
) -> bytes:
    """Return the bytes that `write_model` writes."""
    graph = GraphBuilder()
    source = SIGNATURES[signature](
        graph, preparation.column_dtypes, preparation.column_shapes, preparation.collections
    )
    xp = OnnxNamespace()
    outputs = outputs or FittedOutputs.usual(classes)
    prepared, places = _add_preparation(graph, source, preparation, xp)
    if body is not None:
        found = add_body(graph, body, prepared, preparation.input_shapes())
        logits = _name_outputs(found, outputs)
    elif network is not None and parameters is not None:
        _check_network(network, preparation, outputs)
        logits = lower_network(graph, network, parameters, prepared)
    else:
        message = "write_model needs the network with its parameters, or body, an exported network."
        raise ExportError(message)
    add_outputs(graph, logits, outputs.outputs, source, places)
    entries = {key if key.startswith(PREFIX) else f"{PREFIX}{key}": text for key, text in metadata.items()}
    counts = name_counts(preparation.collections, preparation.column_dtypes)
    facts = ModelFacts(
        classes if outputs.classification else ClassSet(()),
        _describe_inputs(preparation),
        signature,
        collections=counts,
        has_pairs=xp.has_pairs,
        n_places=sum(cloud.shape[0] for cloud in preparation.clouds.values()),
        outputs=outputs.outputs,
        is_continuous=network is None or network.is_continuous,
    )
    description = DESCRIPTION if outputs.is_usual else OTHER_DESCRIPTION
    model = graph.build({**entries, **facts.to_entries()}, description)
    # Maps have no order in protobuf; without this the bytes may differ from one run to the next.
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _add_preparation(
    graph: GraphBuilder, source: ColumnSource, preparation: FittedPreparation, xp: Any
) -> tuple[dict[str, str], dict[str, CloudPlaces]]:
    """Add all inputs and return input name -> value, float32 ``(n, ...)``, and the places of clouds.

    `xp` makes symbols.
    """
    collections = preparation.collections
    columns = {
        name: xp.objects(name, collections[name]) if name in collections else xp.column(name)
        for name in preparation.column_dtypes
    }
    emitter = Emitter(graph, source)
    prepared: dict[str, str] = {}
    places = {}
    for name, fitted in preparation.inputs.items():
        if isinstance(fitted, FittedImage):
            prepared[name] = add_image(graph, fitted, preparation.column_dtypes)
            continue
        if isinstance(fitted, FittedCloud):
            made, places[name] = add_cloud(graph, emitter, fitted, columns, xp)
            prepared |= {name + suffix: value for suffix, value in made.items()}
            continue
        prepared[name] = _add_features(graph, emitter, fitted.features, columns, xp)
        if fitted.momenta:
            prepared[name + MOMENTA] = _add_features(graph, emitter, fitted.momenta, columns, xp)
    return prepared, places


def _add_features(
    graph: GraphBuilder,
    emitter: Emitter,
    features: Sequence[FittedFeature],
    columns: Mapping[str, Any],
    xp: Any,
) -> str:
    """Add features of events side by side, float32 ``(n, n_features)``."""
    values = [value for feature in features for value in feature.apply(columns, xp)]
    rows = emitter.emit_features([xp.symbol(value) for value in values])
    single = cast(graph, rows, "float64", "float32", "preparation")
    return graph.add("Transpose", [single], scope="preparation", perm=[1, 0])


def _name_outputs(found: Mapping[str, str], outputs: FittedOutputs) -> dict[str, str]:
    """Return output -> value of an exported network, whose outputs are called ``<output>_logits``."""
    if len(found) == len(outputs.outputs) == 1:
        return dict(zip(outputs.outputs, found.values(), strict=True))
    by_head = {head_name(name): name for name in outputs.outputs}
    return {by_head.get(name, name): value for name, value in found.items()}


def _check_network(network: Network, preparation: FittedPreparation, outputs: FittedOutputs) -> None:
    """Raise an ExportError unless the network takes what the preparation gives, and gives a logit a class."""
    expected = preparation.input_shapes()
    if dict(network.inputs) != expected:
        message = (
            f"the network takes {dict(network.inputs)}, but the preparation gives {expected}. "
            "Write a model from the network and the preparation of one run."
        )
        raise ExportError(message)
    for name, node in network.outputs.items():
        output = outputs.outputs.get(name)
        wanted = () if output is None else _shape_of(output, preparation)
        if network.shape_of(node) != wanted and isinstance(output, FittedClassification):
            message = (
                f"output '{name}' of the network has shape {network.shape_of(node)}, but "
                f"{len(output.classes)} classes need {wanted}. Build the network for these classes."
            )
            raise ExportError(message)
        if network.shape_of(node) != wanted:
            message = (
                f"output '{name}' of the network has shape {network.shape_of(node)}, but this run needs "
                f"{wanted or 'no such output'}. Build the network for the outputs of the run."
            )
            raise ExportError(message)


def _shape_of(output: FittedOutput, preparation: FittedPreparation) -> Shape:
    """Return the shape of the logits of an event."""
    if isinstance(output, FittedAssignment):
        return (preparation.clouds[output.cloud].cloud.n_objects, output.n_logits)
    return (output.n_logits,)


def _describe_inputs(preparation: FittedPreparation) -> dict[str, ModelInput]:
    return {
        name: ModelInput(
            dtype,
            preparation.units.get(name),
            preparation.ranges.get(name),
            tuple(preparation.column_shapes.get(name, ())),
            preparation.collections.get(name),
        )
        for name, dtype in preparation.column_dtypes.items()
    }
