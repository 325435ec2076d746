"""What a file must hold for a model, and where the columns come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rapidity.artefact import ModelInput, OnnxModel
from rapidity.config.column_map import ColumnMap, load_column_map
from rapidity.core.errors import ConfigError, DataError, MissingNameError
from rapidity.data.readers import open_reader
from rapidity.data.readers.reader import ColumnInfo
from rapidity.delivery.inputs import plan_inputs
from rapidity.delivery.scoring import iterate_prepared
from rapidity.delivery.selection import find_selection
from rapidity.delivery.units import find_factor


@pytest.fixture
def loaded(model):
    return OnnxModel.load(model, n_threads=1)


@pytest.fixture
def prepare(loaded, make_events, write_events, tmp_path):
    """Return a function that writes events, changed by the caller, and prepares them for the model."""

    def build(column_map=None, change=lambda events: events, model=loaded, name="a.root", selection=True):
        events = make_events(6)
        path = write_events(tmp_path / name, change(events))
        reader = open_reader(path)
        found = find_selection(model.metadata) if selection else None
        plan = plan_inputs(reader, model, found, column_map)
        (chunk,) = iterate_prepared(reader, plan)
        return events, chunk.columns

    return build


def make_map(**columns):
    return ColumnMap("map.yaml", columns, {}, {name: f"line {i + 2}" for i, name in enumerate(columns)})


def rename(**names):
    return lambda events: {names.get(name, name): values for name, values in events.items()}


def test_columns_are_renamed_and_computed(prepare):
    column_map = make_map(pt="lep_pt / 1000", eta="lep_eta", trigger="trig >= 1")

    def change(events):
        return rename(pt="lep_pt", eta="lep_eta", trigger="trig")({**events, "pt": events["pt"] * 1000})

    events, columns = prepare(column_map, change)
    np.testing.assert_allclose(columns["pt"], events["pt"], rtol=1e-6)
    assert columns["pt"].dtype == np.float32
    np.testing.assert_array_equal(columns["eta"], events["eta"])
    np.testing.assert_array_equal(columns["trigger"], events["trigger"])


def test_one_column_may_serve_several(prepare):
    events, columns = prepare(make_map(n_jets="event", eta="event % 7"))
    np.testing.assert_array_equal(columns["n_jets"], events["event"])
    np.testing.assert_array_equal(columns["eta"], events["event"] % 7)


def test_a_name_that_is_no_identifier_is_a_column(prepare):
    events, columns = prepare(make_map(pt="lep-pt"), rename(pt="lep-pt"))
    np.testing.assert_array_equal(columns["pt"], events["pt"])


def test_missing_columns_are_listed_with_the_nearest_and_their_use(prepare):
    with pytest.raises(MissingNameError, match=r"lacks 3 of the 4 columns that are needed") as caught:
        prepare(change=rename(pt="PT", n_jets="njets", trigger="trig"))
    message = str(caught.value)
    assert "'pt'  closest: PT" in message
    assert "'n_jets'  closest: njets" in message
    assert "'trigger'  closest: trig  (for the selection, which `pass` tells)" in message
    assert "--columns map.yaml" in message


def test_missing_columns_of_the_map_tell_its_line(prepare):
    with pytest.raises(MissingNameError, match=r"map\.yaml, line 2: 'pt': 'lep_ptt'  closest: lep_pt"):
        prepare(make_map(pt="lep_ptt / 1000"), rename(pt="lep_pt"))
    with pytest.raises(MissingNameError, match=r"map\.yaml, line 2: 'pt' from 'lep_ptt'  closest: lep_pt"):
        prepare(make_map(pt="lep_ptt"), rename(pt="lep_pt"))
    with pytest.raises(MissingNameError, match=r"\n  Correct map\.yaml, which says what they are here\."):
        prepare(make_map(pt="lep_ptt"), rename(pt="lep_pt"))


def test_a_map_is_no_list_of_names():
    """`--columns` took the names of the columns of files without any."""
    with pytest.raises(ConfigError, match=r"--columns takes a YAML file .* carry none: --column-names a,b$"):
        load_column_map(Path("a,b"))


def test_an_empty_map_says_what_belongs_there(tmp_path):
    (tmp_path / "map.yaml").write_text("")
    with pytest.raises(ConfigError, match=r"map\.yaml is empty\. It needs at least `columns:`, and below it"):
        load_column_map(tmp_path / "map.yaml")


def test_an_expression_that_is_none_tells_its_line(prepare):
    with pytest.raises(DataError, match=r"map\.yaml, line 3: 'eta': .*"):
        prepare(make_map(pt="pt", eta="pt +* 2"))


def test_an_entry_for_no_column_of_the_model_is_an_error(prepare):
    with pytest.raises(
        ConfigError, match=r"line 2  columns\.ptt: the model takes no such .*Did you mean 'pt'"
    ):
        prepare(make_map(ptt="pt"))


def test_text_where_a_number_is_needed_is_told(prepare):
    def change(events):
        return {**events, "eta": np.array(["high"] * 6, dtype=object)}

    with pytest.raises(DataError, match=r"'eta': holds .*, expected one number per event"):
        prepare(change=change, name="a.csv")
    with pytest.raises(DataError, match=r"map\.yaml, line 2: 'pt': 'eta' holds .*, expected numbers"):
        prepare(make_map(pt="eta * 2"), change=change, name="a.csv")


def test_several_values_where_one_is_needed_are_told(loaded, tmp_path):
    import awkward as ak
    import uproot

    with uproot.recreate(tmp_path / "a.root") as file:
        jagged = ak.Array([[1.0], [2.0, 3.0]])
        columns = {"pt": jagged, "eta": np.zeros(2), "n_jets": np.zeros(2, int), "trigger": np.ones(2)}
        file.mktree("t", {name: ak.type(ak.Array(values)).content for name, values in columns.items()})
        file["t"].extend(columns)
    reader = open_reader(tmp_path / "a.root")
    with pytest.raises(DataError, match=r"'pt': holds .*, expected one number per event"):
        plan_inputs(reader, loaded)
    with pytest.raises(
        DataError, match=r"gives a value per object of 'pt', but the model takes one per event"
    ):
        plan_inputs(reader, loaded, None, make_map(pt="pt * 2"))
    plan = plan_inputs(reader, loaded, None, make_map(pt="max(pt)", eta="eta"))
    (chunk,) = iterate_prepared(reader, plan)
    assert chunk.columns["pt"].tolist() == [1.0, 3.0]


def test_one_value_where_several_are_needed_is_told(models, prepare):
    jagged = OnnxModel.load(models / "jagged.onnx")
    with pytest.raises(DataError, match=r"'jet_pt': holds .*, expected a varying number of values per event"):
        prepare(model=jagged, change=lambda events: {**events, "jet_pt": events["pt"]})
    with pytest.raises(DataError, match=r"gives a value per event, but the model takes one per object"):
        prepare(make_map(jet_pt="pt * 2"), model=jagged)


def test_an_event_number_in_floats_is_refused(models, prepare):
    folded = OnnxModel.load(models / "folded.onnx")
    with pytest.raises(
        DataError, match=r"'event': holds double, expected whole numbers: it picks the network"
    ):
        prepare(model=folded, change=lambda events: {**events, "event": events["event"].astype(float)})


def test_a_value_that_does_not_fit_names_the_file(prepare):
    with pytest.raises(DataError, match=r"tree 'nominal' of .*a\.root: column 'n_jets' must hold whole"):
        prepare(make_map(n_jets="n_jets / 2 + 0.25"))


def test_units_that_differ_are_an_error_with_the_factor(loaded, tmp_path, make_events):
    from rapidity.data.writers import OutputColumn, open_writer

    events = make_events(3)
    columns = {name: OutputColumn(values.dtype) for name, values in events.items()}
    for unit, expected in {
        "MeV": r"'pt': is in MeV, but the model takes GeV: write `pt: pt / 1000` under `columns:`",
        "TeV": r"write `pt: pt \* 1000`",
        "mm": r"'pt': is in mm, but the model takes GeV",
    }.items():
        path = tmp_path / f"{unit}.parquet"
        with open_writer(path, columns={**columns, "pt": OutputColumn("f4", unit=unit)}) as writer:
            writer.write(events)
        with pytest.raises(DataError, match=expected):
            plan_inputs(open_reader(path), loaded)
        # Whoever writes an expression has thought of the unit.
        plan_inputs(open_reader(path), loaded, None, make_map(pt="pt / 1000"))


@pytest.mark.parametrize(
    ("found", "expected", "factor"),
    [("MeV", "GeV", 1e-3), ("GeV/c", "GeV", 1.0), ("GeV/c^2", "MeV", 1e3), ("mm", "cm", 0.1),
     ("m", "mm", 1e3), ("mrad", "rad", 1e-3), ("GeV", "mm", None),
     ("furlong", "furlong", 1.0), ("furlong", "m", None)],
)  # fmt: skip
def test_factors_of_units(found, expected, factor):
    assert find_factor(found, expected) == (factor if factor is None else pytest.approx(factor))


def test_a_unit_that_only_one_side_states_is_no_error(loaded):
    info = ColumnInfo("eta", "float64", "double", "rad")
    assert isinstance(loaded.inputs["eta"], ModelInput)
    assert loaded.inputs["eta"].unit is None
    assert info.unit == "rad"


def test_a_selection_that_gives_no_truth_value_is_refused(loaded, make_events, write_events, tmp_path):
    from rapidity.delivery.scoring import evaluate_pass
    from rapidity.delivery.selection import ModelSelection

    reader = open_reader(write_events(tmp_path / "a.root", make_events(5)))
    plan = plan_inputs(reader, loaded, ModelSelection("n_jets + 1", {}))
    (chunk,) = iterate_prepared(reader, plan)
    with pytest.raises(DataError, match=r"'n_jets \+ 1', gives .* at entry \d of .*expected true or false"):
        evaluate_pass(plan, chunk)


def test_a_map_is_read_with_its_lines(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text("columns:\n  pt: lep_pt / 1000\n  eta: lep_eta\nobjects: {lep: {pt: lep_pt}}\n")
    column_map = load_column_map(path)
    assert column_map.columns == {"pt": "lep_pt / 1000", "eta": "lep_eta"}
    assert column_map.where("eta") == f"{path}, line 3"
    assert column_map.objects == {"lep": {"pt": "lep_pt"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("column: {pt: a}\n", r"line 1  column: unknown key\. Did you mean 'columns'\?"),
        ("columns: {}\n", r"line 1  columns: "),
        ("columns:\n  pt: 3\n", r"line 2  columns\.pt: expected text, found 3"),
        ("columns:\n  pt: [a]\n", r"line 2  columns\.pt: expected text, found a list"),
    ],
)
def test_mistakes_in_a_map_tell_their_line(tmp_path, text, message):
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_column_map(tmp_path / "map.yaml")
