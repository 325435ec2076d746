"""What `momenta:` of a table means in the files of a run: missing transverse momentum as one object, say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.config.inputs import TableInput
from rapidity.core.errors import ConfigError
from rapidity.data.cloud_columns import find_components, make_momenta
from rapidity.data.features import TableMomentum
from rapidity.data.unknown_columns import look_for_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.config.inputs import AnyInput
    from rapidity.data.features import Collections, Objects
    from rapidity.data.sources import JoinedFile


def find_table_momenta(
    inputs: Mapping[str, AnyInput], objects: Objects, file: JoinedFile, collections: Collections
) -> dict[str, TableMomentum]:
    """Return table input -> its momentum, of tables that have `momenta:`.

    Raises
    ------
    ConfigError
        If there is no such object in ``data.objects``, or it has not one value per event.
    ExpressionError
        If a four-momentum does not follow from the components.
    """
    return {
        name: _find_momentum(f"inputs.{name}", config, objects, file, collections)
        for name, config in inputs.items()
        if isinstance(config, TableInput) and config.momenta is not None
    }


def _find_momentum(
    where: str, config: TableInput, objects: Objects, file: JoinedFile, collections: Collections
) -> TableMomentum:
    components = complete_components(find_components(where, config.momenta, objects))
    texts = {f"{where}.momenta.{key}": text for key, text in components.items()}
    with look_for_columns(file, objects, texts):
        features = make_momenta(components, objects, collections, where)
    of_objects = [feature for feature in features if feature.expression.collection is not None]
    if of_objects:
        collection = of_objects[0].expression.collection
        message = (
            f"{where}.momenta: {of_objects[0].name} has a value for each object of the collection "
            f"'{collection}', but a table has one momentum per event. Take one of the objects, as in "
            "{pt: (jet_pt)[0], ...}, or give the objects an input of `kind: cloud`."
        )
        raise ConfigError(message)
    return TableMomentum(components, features)


def complete_components(components: Mapping[str, str]) -> dict[str, str]:
    """Return components with what says that a momentum lies across the beam, if nothing says where it points.

    Detectors measure of missing momentum only the part across the beam; as a four-momentum it then is that of
    a massless particle with an eta of 0, whose distance from others is one in azimuth and their own eta.

    Examples
    --------
    >>> complete_components({"pt": "met", "phi": "met_phi"})
    {'pt': 'met', 'phi': 'met_phi', 'eta': '0'}
    """
    if {"eta", "pz"} & set(components):
        return dict(components)
    if {"pt", "phi"} <= set(components):
        return {**components, "eta": "0"}
    if {"px", "py"} <= set(components):
        # A plain 0 is refused as the same for every event.
        return {**components, "pz": f"0 * ({components['px']})"}
    return dict(components)
