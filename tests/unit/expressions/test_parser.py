from __future__ import annotations

import re

import pytest

from rapidity.core.errors import ExpressionError
from rapidity.expressions import parse_expression

OBJECTS = {
    "lepton0": {"px": "l_px", "py": "l_py", "pz": "l_pz", "energy": "l_e"},
    "met": {"pt": "met_pt", "phi": "met_phi"},
    "wrong": {"pT": "x", "eta": "y"},
    "broken": {"pt": "x +", "eta": "y", "phi": "z"},
}

REFUSED = {
    "": "character 1: is empty",
    "   ": "is empty",
    "a +": r"character 3: cannot be read .*parentheses",
    "a = 3": r"character 3: .*Compare with '=='",
    "a && b": r"character 4: .*Write 'and', 'or', 'not'",
    "`a + 1": "character 1: a backtick opens and none closes",
    "3 + 4": "names no column",
    "sqr(a)": r"character 1: unknown function 'sqr'\. Did you mean 'sqrt'\?",
    "a + __import__('os')": "character 5: unknown function '__import__'",
    "a.__class__()": "cannot be called",
    "(a).b": r"'a\.b' is not allowed",
    "f(x)(y)": r"'f\(x\)' cannot be called",
    "sqrt(x=a)": r"sqrt takes no named arguments\. Write sqrt\(x\)",
    "sqrt(*a)": r"'\*a' is not allowed",
    "sqrt(a, b)": r"sqrt does not take 2 arguments\. Write sqrt\(x\)",
    "hypot(a)": "hypot does not take 1 arguments",
    "a > 1 & b > 2": r"character 5: '1' beside '&' is a number, not a condition\. Put comparisons",
    "~a": "beside '~' is a number",
    "a << 2": "the operator in 'a << 2' is not allowed",
    "a is b": "is not a comparison",
    "a in b": "is not a comparison",
    "a[0]": r"character 1: 'a' has one value an event, so nothing can be picked from it",
    "[a, b]": "Lists are not part",
    "a, b": "remove the comma",
    "lambda x: a": "Functions cannot be defined here",
    "(x := a)": "is not allowed",
    "'text'": "'text' is not a number",
    "a == None": "None is not a number",
    "a + 2j": "2j is not a number",
    "f'{a}'": "is not allowed",
    "[x for x in a]": "is not allowed",
    "lepton0 + 1": r"'lepton0' is an object, not a number\. Say which property: pt\(lepton0\)",
    "lepton0.pt": r"'lepton0\.pt' is a component of an object\. Write it as a function: pt\(lepton0\)",
    "mass(lepton_0)": r"mass needs an object, and 'lepton_0' is none\. Did you mean 'lepton0'\?",
    "mass(a + b)": "mass needs an object",
    "mass(met)": r"mass of object 'met' does not follow from pt, phi\. Add to data\.objects\.met: pz or eta",
    "mass(lepton0, met)": r"character 15: pz of object 'met' does not follow",
    "delta_r(lepton0, met)": r"eta of object 'met' does not follow",
    "transverse_mass(met)": "does not take 1 arguments",
    "pt(wrong)": r"object 'wrong' has an unknown component 'pT'\. Components are px, py",
    "pt(broken)": r"data\.objects\.broken\.pt: expression 'x \+', character 3",
    "a + \0": "cannot be read",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_in_the_language_is_refused_with_place_and_advice(text):
    with pytest.raises(ExpressionError, match=REFUSED[text]) as caught:
        parse_expression(text, OBJECTS)
    assert str(caught.value).endswith(".")


def test_nesting_and_length_are_limited():
    for text in ("-" * 400 + "a", "a" + " + a" * 200, "(" * 900 + "a" + ")" * 900):
        with pytest.raises(ExpressionError, match=r"nested too deeply|too many nested|cannot be read"):
            parse_expression(text)
    with pytest.raises(ExpressionError, match="has 20001 characters"):
        parse_expression("a" * 20_001)


def test_long_sums_are_fine():
    assert parse_expression(" + ".join(f"c{i}" for i in range(100))).columns[-1] == "c99"


def test_no_objects_at_all_is_said():
    with pytest.raises(ExpressionError, match=re.escape("Declare them in data.objects")):
        parse_expression("mass(lepton0)")


def test_positions_count_characters_not_bytes():
    with pytest.raises(ExpressionError, match="character 7: unknown function"):
        parse_expression("äöü + sqr(a)")


def test_a_quoted_name_is_never_an_object_or_a_constant():
    assert parse_expression("`met` + `pi`", OBJECTS).columns == ("met", "pi")


def test_functions_and_columns_may_share_a_name():
    assert parse_expression("pt > pt(met)", OBJECTS).columns == ("pt", "met_pt")
