"""Operations on whole arrays: shapes, indices, joining, reductions, products, softmax."""

from __future__ import annotations

import numpy as np
from gradcheck.case import Case, numbers, positive

import rapidity.autodiff as ad
from rapidity.autodiff.operations import (
    conditions,
    gathering,
    indexing,
    joining,
    linear_algebra,
    reductions,
    shapes,
    softmax,
)

OF_EACH = np.array([[[0, 0], [2, 1], [0, 2]], [[1, 1], [1, 1], [0, 1]]])
REPEATED = np.array([[2, 0], [2, 1]])
ALONG = np.array([[0, 0, 2, 1], [1, 0, 0, 0]])
SHAPES = [
    Case(shapes.RESHAPE, lambda x: ad.reshape(x, (4, -1)), {"x": numbers(2, 6)}),
    Case(shapes.RESHAPE, lambda x: ad.expand_dims(x, -1), {"x": numbers(2, 3)}, label="expand_dims"),
    Case(shapes.RESHAPE, lambda x: ad.squeeze(x, 1), {"x": numbers(2, 1, 3)}, label="squeeze one"),
    Case(shapes.RESHAPE, ad.squeeze, {"x": numbers(1, 2, 1)}, label="squeeze all"),
    Case(shapes.TRANSPOSE, ad.transpose, {"x": numbers(2, 3)}),
    Case(shapes.TRANSPOSE, lambda x: ad.transpose(x, (2, 0, -2)), {"x": numbers(2, 3, 4)}),
    Case(shapes.BROADCAST_TO, lambda x: ad.broadcast_to(x, (2, 3, 4)), {"x": numbers(3, 1)}),
    Case(shapes.BROADCAST_TO, lambda x: ad.broadcast_to(x, (2, 2)), {"x": numbers()}, label="scalar"),
    Case(shapes.PAD, lambda x: ad.pad(x, [(1, 2), (0, 3)], 0.5), {"x": numbers(2, 3)}),
]
INDEXING = [
    Case(indexing.GETITEM, lambda x: x[1], {"x": numbers(3, 4)}, label="number"),
    Case(indexing.GETITEM, lambda x: x[..., ::-2, None], {"x": numbers(3, 4)}, label="slices"),
    Case(indexing.GETITEM, lambda x: x[[2, 0, 2]], {"x": numbers(3, 4)}, label="list"),
    Case(indexing.GETITEM, lambda x: x[:, REPEATED], {"x": numbers(2, 3)}, label="array"),
    Case(indexing.GETITEM, lambda x: x[[0, 0], [1, 1]], {"x": numbers(2, 3)}, label="two lists"),
    Case(indexing.GETITEM, lambda x: x[x > 0], {"x": numbers(3, 4)}, label="condition"),
    Case(indexing.GETITEM, lambda x: x[[]], {"x": numbers(3, 4)}, label="nothing"),
    Case(indexing.GETITEM, lambda x: ad.flip(x, -1), {"x": numbers(3, 4)}, label="flip"),
    Case(indexing.SCATTER, lambda x: x[[2, 0, 2]] ** 3, {"x": numbers(3)}),
    Case(indexing.SCATTER, lambda x: x[1:] ** 3, {"x": numbers(3)}, label="slice"),
    Case(indexing.TAKE_ALONG_AXIS, lambda x: ad.take_along_axis(x, ALONG, 0), {"x": numbers(3, 4)}),
    Case(indexing.TAKE_ALONG_AXIS, lambda x: ad.take_along_axis(x, ALONG, -1), {"x": numbers(2, 3)}),
    Case(indexing.PUT_ALONG_AXIS, lambda x: ad.take_along_axis(x, ALONG, 1) ** 3, {"x": numbers(2, 3)}),
]
GATHERING = [
    Case(gathering.GATHER_OBJECTS, lambda x: ad.gather_objects(x, OF_EACH), {"x": numbers(2, 3, 4)}),
    Case(
        gathering.GATHER_OBJECTS,
        lambda x: ad.gather_objects(x, OF_EACH[:, :, :, np.newaxis]),
        {"x": numbers(2, 3, 1)},
        label="more axes",
    ),
    Case(gathering.ADD_OBJECTS, lambda x: ad.gather_objects(x, OF_EACH) ** 3, {"x": numbers(2, 3, 4)}),
]
JOINING = [
    Case(
        joining.CONCATENATE,
        lambda x, y, z: ad.concatenate([x, y, z], axis=-1),
        {"x": numbers(2, 3), "y": numbers(2, 0), "z": numbers(2, 2, seed=1)},
    ),
    Case(
        joining.CONCATENATE,
        lambda x: ad.concatenate([x, np.ones((1, 3), np.float32), x * 2]),
        {"x": numbers(2, 3)},
        label="with a constant",
    ),
    Case(joining.CONCATENATE, lambda x, y: ad.stack([x, y], 1), {"x": numbers(2, 3), "y": numbers(2, 3)}),
    Case(
        indexing.GETITEM,
        lambda x: ad.split(x, [1, 3], axis=1)[1] * ad.split(x, 3, axis=1)[2],
        {"x": numbers(2, 6)},
        label="split",
    ),
]
REDUCTIONS = [
    Case(operation, lambda x, f=function, a=axis, k=keepdims: f(x, a, keepdims=k), {"x": x})
    for operation, function in (
        (reductions.SUM, ad.sum),
        (reductions.SUM, ad.mean),
        (reductions.SUM, ad.variance),
        (reductions.MAX, ad.max),
        (reductions.MIN, ad.min),
    )
    for x, axis, keepdims in (
        (numbers(3, 4), None, False),
        (numbers(3, 4), 0, False),
        (numbers(3, 4), -1, True),
        (numbers(2, 3, 2), (0, 1), False),
        (numbers(2, 3, 2), (2, 0), True),
        (numbers(1, 3), 0, False),
        (numbers(), None, False),
    )
]
REDUCTIONS += [
    Case(reductions.SUM, lambda x: ad.sum(x, 0), {"x": numbers(0, 3)}, label="empty"),
    Case(reductions.SUM, lambda x: ad.variance(x, 0, n_subtracted=1), {"x": numbers(5, 2)}, label="n - 1"),
]
PRODUCTS = [
    *(
        Case(linear_algebra.MATMUL, ad.matmul, {"x": numbers(*x), "y": numbers(*y, seed=1)})
        for x, y in (
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 2)),
            ((2, 2, 3), (3, 4)),
            ((2, 2, 3), (3,)),
            ((2, 1, 2, 3), (4, 3, 2)),
            ((3,), (2, 3, 2)),
            ((0, 3), (3, 2)),
        )
    ),
    *(
        Case(
            linear_algebra.LINEAR,
            ad.linear,
            {"x": numbers(*shape), "kernel": numbers(3, 2, seed=1), "bias": numbers(2)},
        )
        for shape in ((4, 3), (3,), (2, 4, 3), (0, 3))
    ),
    Case(linear_algebra.LINEAR, ad.linear, {"x": numbers(4, 3), "kernel": numbers(3, 1)}, label="no bias"),
    *(
        Case(
            linear_algebra.EINSUM,
            lambda x, y, s=subscripts: ad.einsum(s, x, y),
            {"x": numbers(*x), "y": numbers(*y, seed=1)},
            label=subscripts,
        )
        for subscripts, x, y in (
            ("ij,jk->ik", (2, 3), (3, 4)),
            ("bik,bjk->bij", (2, 3, 4), (2, 2, 4)),
            ("ij,kl->i", (2, 3), (2, 2)),
            ("i,j->ij", (2,), (3,)),
        )
    ),
]
SOFTMAX = [
    Case(operation, lambda x, f=function, a=axis: f(x, a), {"x": x}, label=f"axis {axis}")
    for operation, function in (
        (softmax.SOFTMAX, ad.softmax),
        (softmax.LOG_SOFTMAX, ad.log_softmax),
        (softmax.LOG_SUM_EXP, ad.log_sum_exp),
        (softmax.LOG_SUM_EXP, lambda x, axis: ad.log_sum_exp(x, axis, keepdims=True)),
    )
    for x, axis in ((numbers(3, 4), -1), (numbers(3, 4), 0), (400 * numbers(2, 3), 1), (numbers(0, 3), 1))
]
CHOICES = [
    Case(
        conditions.WHERE,
        ad.where,
        {"condition": np.array([[True], [False]]), "x": numbers(2, 3), "y": positive(3)},
    ),
    Case(conditions.WHERE, lambda x: ad.where(x > 0, x**2, -3.0), {"x": numbers(5)}, label="constant"),
]
CASES = [*SHAPES, *INDEXING, *GATHERING, *JOINING, *REDUCTIONS, *PRODUCTS, *SOFTMAX, *CHOICES]
