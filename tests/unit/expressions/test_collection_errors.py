"""What is wrong with expressions over collections is said, with the place and what to do."""

from __future__ import annotations

import pytest

from rapidity.core.errors import ExpressionError
from rapidity.expressions import parse_expression

OBJECTS = {
    "jets": {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi"},
    "leptons": {"pt": "lep_pt", "eta": "lep_eta", "phi": "lep_phi"},
    "missing": {"pt": "met", "phi": "met_phi"},
    "mixed": {"pt": "jet_pt", "eta": "lep_eta", "phi": "jet_phi"},
    "flat": {"pt": "jet_pt", "phi": "jet_phi"},
}
COLLECTIONS = {
    **dict.fromkeys(("jet_pt", "jet_eta", "jet_phi", "jet.tag"), "jets"),
    **dict.fromkeys(("lep_pt", "lep_eta", "lep_phi"), "leptons"),
}

REFUSED = {
    "jet_pt + lep_pt": r"character 1: the objects of jets, leptons .*sum, max, \[0\].*min_delta_r",
    "2 * (jet_pt > lep_pt)": r"character 6: the objects of jets, leptons are different ones",
    "delta_r(jets, leptons)": "character 1: the objects of jets, leptons are different ones",
    "sum(jet_pt[lep_pt > 3])": r"character 5: the objects of jets, leptons",
    "pt(mixed)": "character 4: the objects of jets, leptons",
    "at_max(jet_pt, lep_pt)": "character 1: the objects of jets, leptons",
    "jet_pt[jet_pt > 3] + jet_pt[jet_pt > 4]": r"different selections of 'jets'.*\(a / b\)\[condition\]",
    "sum(met)": r"character 5: sum makes one value .*'met' has one value an event already\. Use 'met'",
    "met + max(met)": r"character 11: max makes one value .*several numbers write max\(a, b, \.\.\.\)",
    "count(missing)": "character 7: count makes one value an event",
    "any(met > 3)": "character 5: any makes one value an event",
    "mean()": r"mean does not take 0 arguments\. Write mean\(x\)",
    "max()": r"max does not take 0 arguments\. Write max\(a, b, \.\.\.\) or max\(x\)",
    "sum(jet_pt, jet_eta)": r"sum does not take 2 arguments\. Write sum\(x\)",
    "jets": r"character 1: 'jets' is a collection of objects.*count\(jets\), pt\(jets\[0\]\)",
    "jets + 1": "character 1: 'jets' is a collection of objects",
    "1 + jets[0]": r"character 5: 'jets\[0\]' is an object, .*which property: pt\(jets\[0\]\)",
    "mean(jets)": "character 6: 'jets' is a collection of objects",
    "jets.pt": r"'jets\.pt' is a component of an object\. Write it as a function: pt\(jets\)",
    "jets[0].eta": r"Write it as a function: eta\(jets\[0\]\)",
    "jets.tag": r"character 1: object 'jets' has no 'tag'.*px, py, pz, energy.*by their own names",
    "jets.ptt": r"object 'jets' has no 'ptt'\. Did you mean pt\(jets\)\?",
    "met[0]": r"character 1: 'met' has one value an event, so nothing can be picked",
    "missing[0]": "'missing' has one value an event",
    "jet_pt[0][0]": r"'jet_pt\[0\]' has one value an event",
    "jet_pt[met]": r"character 8: the index 'met' is neither a whole number nor .*Write jet_pt\[0\]",
    "jet_pt[1.5]": r"the index '1\.5' is neither",
    "jet_pt[True]": "the condition 'True' holds for whole events",
    "jet_pt[met > 3]": r"character 8: the condition 'met > 3' holds for .*where\(condition, a, b\)",
    "jet_pt[0:2]": r"the index '0:2' is not allowed\. Write jet_pt\[0\]",
    "jet_pt[0, 1]": "the index '(0, 1|\\(0, 1\\))' is not allowed",
    "jet_pt[jets]": "'jets' is a collection of objects",
    "min_delta_r(met, jets)": r"character 13: min_delta_r needs an object, and 'met' is none",
    "min_delta_r(missing, jets)": "eta of object 'missing' does not follow from pt, phi",
    "min_delta_phi(missing)": r"takes all pairs .* no collection.*of two objects, delta_phi\(a, b\)",
    "mass_closest(jets[0], leptons[0], 91)": r"mass_closest takes all pairs.*mass\(a, b\)",
    "mass_closest(jets, jet_pt)": r"character 20: mass_closest needs one number .*'jets'.*max\(jet_pt\)",
    "nearest_delta_r(jets[0], leptons)": "character 17: nearest_delta_r needs a collection here",
    "min_mass(jets, flat)": "px|pz of object 'flat' does not follow",
    "mass(sum(flat))": r"character 6: \w+ of object 'flat' does not follow .*data\.objects\.flat: pz",
    "mass(flat[0])": "of object 'flat' does not follow",
    "ht(met)": "ht needs an object, and 'met' is none",
    "fox_wolfram(jets, 2.5)": r"character 19: fox_wolfram needs .* '2\.5' is none of from 0 to 20",
    "fox_wolfram(jets, 21)": "'21' is none of from 0 to 20",
    "largest(jet_pt, -1)": r"character 17: largest needs a whole number, and '-1' is none of 0, 1, 2",
    "largest(jet_pt, jet_eta)": "needs a whole number",
    "at_max(missing, jet_pt)": "character 8: at_max makes one value",
    "median(jet_pt)": "unknown function 'median'",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_meaning_is_refused_with_place_and_advice(text):
    with pytest.raises(ExpressionError, match=REFUSED[text]) as caught:
        parse_expression(text, OBJECTS, COLLECTIONS)
    assert str(caught.value).endswith(".")
    assert f"expression '{text}', character" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["`jet.tag`[0]", "jet.tag[-1]", "sum(jet.tag * jet_pt)", "max(jet_pt[jet.tag > 0][0], met)",
     "pt(jets)[0]", "-jet_pt[0] ** 2", "jets[pt(jets) > 3][jet_eta > 0] and 1"],
)  # fmt: skip
def test_brackets_bind_to_what_stands_before_them(text):
    if text.startswith("jets["):
        with pytest.raises(ExpressionError, match="is a collection of objects"):
            parse_expression(text, OBJECTS, COLLECTIONS)
    else:
        assert parse_expression(text, OBJECTS, COLLECTIONS).collection is None


def test_a_column_without_a_collection_has_one_value_an_event():
    with pytest.raises(ExpressionError, match="'jet_pt' has one value an event already"):
        parse_expression("sum(jet_pt)")
