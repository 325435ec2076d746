"""Operations that change in jumps only: they are computed and not recorded."""

from __future__ import annotations

from gradcheck.case import Case, numbers

import rapidity.autodiff as ad
from rapidity.autodiff.operations import conditions, elementwise

CASES = [
    *(
        Case(operation, function, {"x": numbers(3, 4), "y": numbers(4)}, order=0)
        for operation, function in (
            (conditions.LESS, ad.less),
            (conditions.LESS_EQUAL, ad.less_equal),
            (conditions.GREATER, ad.greater),
            (conditions.GREATER_EQUAL, ad.greater_equal),
            (conditions.EQUAL, ad.equal),
            (conditions.NOT_EQUAL, ad.not_equal),
            (conditions.LOGICAL_AND, lambda x, y: (x > 0) & (y > 0)),
            (conditions.LOGICAL_OR, lambda x, y: (x > 0) | (y > 0)),
            (elementwise.FLOOR_DIVIDE, ad.floor_divide),
        )
    ),
    *(
        Case(operation, function, {"x": numbers(3, 4)}, order=0)
        for operation, function in (
            (conditions.LOGICAL_NOT, lambda x: ~(x > 0)),
            (conditions.ISNAN, ad.isnan),
            (conditions.ISINF, ad.isinf),
            (conditions.ISFINITE, ad.isfinite),
            (elementwise.SIGN, ad.sign),
            (elementwise.FLOOR, ad.floor),
            (elementwise.CEIL, ad.ceil),
        )
    ),
]
