"""The language of features and cuts: `sqrt(px**2 + py**2)`, `mass(lepton0, lepton1)`, `n_jets >= 2`.

Entry file: `expression` (what a caller uses); `parser` reads the text, `functions` is the table of all
functions, `evaluation` computes, `makers` names groups of features. What an expression is used for is no
business of this package.
"""

from __future__ import annotations

from rapidity.expressions.expression import Expression, parse_expression
from rapidity.expressions.functions import CONSTANTS, FUNCTIONS, Function

__all__ = ["CONSTANTS", "FUNCTIONS", "Expression", "Function", "parse_expression"]
