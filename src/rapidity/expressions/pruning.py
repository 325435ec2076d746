"""Which components of objects an operation uses: the others' columns need not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.namespace import NUMPY
from rapidity.expressions.collection_functions import FOUR_MOMENTUM
from rapidity.expressions.tree import ObjectTerm, Operation, Term
from rapidity.physics.momentum import Momentum, missing_components

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class _Recorder(dict[str, float]):
    """Components that remember which of them were used."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(dict.fromkeys(names, 1.0))
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> float:
        self.used.add(name)
        return super().__getitem__(name)


def prune(operation: Operation) -> Operation:
    """Return the operation without the components of objects that it does not use."""
    objects = [argument.kind == "object" for argument in operation.arguments]
    if operation.kind == "object" or not any(objects):
        return operation  # what takes the object decides
    used = _used_components(operation)
    arguments = tuple(
        _keep(argument, names) if is_object else argument
        for argument, is_object, names in zip(operation.arguments, objects, used, strict=True)
    )
    return Operation(operation.function, arguments, operation.shape)


def _used_components(operation: Operation) -> list[set[str]]:
    """Return the components that an operation uses of each argument, by trying it on numbers."""
    stand_ins = [
        _Recorder(given_components(argument)) if argument.kind == "object" else None
        for argument in operation.arguments
    ]
    values = [1.0 if stand_in is None else Momentum(stand_in, NUMPY) for stand_in in stand_ins]
    with np.errstate(all="ignore"):
        if operation.definition.scope == "value":
            operation.compute(NUMPY, *values)
        else:
            for value in values:
                for need in operation.definition.needs if isinstance(value, Momentum) else ():
                    getattr(value, need)
    return [set() if stand_in is None else stand_in.used for stand_in in stand_ins]


def given_components(term: Term) -> tuple[str, ...]:
    """Return the components that an object is given by."""
    match term:
        case ObjectTerm(_, components):
            return tuple(name for name, _ in components)
        case Operation("sum"):
            return FOUR_MOMENTUM
        case Operation(_, arguments):
            return given_components(arguments[0])
    message = f"{term} is no object"
    raise TypeError(message)


def name_of(term: Term) -> str:
    """Return the declared object that a term is, or is made of."""
    return name_of(term.arguments[0]) if isinstance(term, Operation) else getattr(term, "name", "")


def missing_for(term: Term, need: str) -> list[str]:
    """Return what must be added to an object to know a component, in words; empty if nothing is missing."""
    if isinstance(term, Operation) and term.function == "sum":
        needs = _behind(FOUR_MOMENTUM, {need})
        return list(
            dict.fromkeys(word for part in sorted(needs) for word in missing_for(term.arguments[0], part))
        )
    if isinstance(term, Operation):
        return missing_for(term.arguments[0], need)
    return missing_components(given_components(term), need)


def _behind(given: Collection[str], wanted: Iterable[str]) -> set[str]:
    """Return the given components that the wanted ones are made of."""
    recorder = _Recorder(given)
    momentum = Momentum(recorder, NUMPY)
    with np.errstate(all="ignore"):
        for name in wanted:
            getattr(momentum, name)
    return recorder.used


def _keep(term: Term, used: set[str]) -> Term:
    """Return an object with the used components; of a collection at least one, for the number of objects."""
    if isinstance(term, ObjectTerm):
        pairs = tuple(pair for pair in term.components if pair[0] in used or pair[1].shape.selection)
        if term.shape.collection is not None and all(pair[1].shape.collection is None for pair in pairs):
            pairs += next((pair,) for pair in term.components if pair[1].shape.collection is not None)
        return ObjectTerm(term.name, pairs, term.shape)
    if not isinstance(term, Operation):
        return term
    inner, *others = term.arguments
    behind = _behind(given_components(inner), used) if term.function == "sum" else used
    return Operation(term.function, (_keep(inner, behind), *others), term.shape)
