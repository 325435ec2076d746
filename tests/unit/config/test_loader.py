from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from rapidity.config import dump_config, load_config, resolve_paths
from rapidity.core.errors import ConfigError, shorten
from rapidity.network.catalogue import CATALOGUE
from rapidity.network.layers import LAYERS
from rapidity.network.layers.activation import ACTIVATIONS

FOLDER = Path(__file__).resolve().parents[2] / "config"
GOOD = sorted((FOLDER / "good").glob("*.yaml"))
BAD = sorted((FOLDER / "bad").glob("*.yaml"))
STARTERS = files("rapidity.config") / "starters"
SHORTEST = FOLDER / "good" / "shortest.yaml"
KNOWN = {
    "{layers}": LAYERS,
    "{layers and activations}": [*LAYERS, *ACTIVATIONS],
    "{networks}": CATALOGUE,
}
"""What stands in the expected messages for lists that grow with every new layer and network."""


@pytest.fixture
def short_forms():
    return load_config(FOLDER / "good" / "short_forms.yaml").config


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_dumped_configuration_loads_again_to_an_equal_one(path, tmp_path):
    config = load_config(path).config
    copy = tmp_path / "config.yaml"
    copy.write_text(dump_config(config), encoding="utf-8")
    assert load_config(copy).config == config
    assert "!!" not in copy.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_configuration_is_explained(path):
    expected = path.with_suffix(".txt").read_text(encoding="utf-8").rstrip("\n")
    for word, names in KNOWN.items():
        expected = expected.replace(word, shorten(names))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).replace(str(path), path.name) == expected


@pytest.mark.parametrize("name", [path.name for path in STARTERS.iterdir() if path.name.endswith(".yaml")])
def test_starters_are_valid(name):
    assert load_config(Path(str(STARTERS / name))).config.name


def test_example_is_the_configuration_of_the_demo():
    example = Path(__file__).parents[3] / "examples" / "hww_ttbar" / "config.yaml"
    assert example.read_text(encoding="utf-8") == (STARTERS / "hww_ttbar.yaml").read_text(encoding="utf-8")


def test_every_mistake_has_its_message_beside_it():
    assert len(BAD) >= 20
    assert {path.stem for path in BAD} == {path.stem for path in (FOLDER / "bad").glob("*.txt")}


def test_numbers_without_a_point_are_numbers(short_forms):
    assert short_forms.network.layers[-1].rate == 0.1
    assert short_forms.data.sources[0].limit == 60_000
    assert short_forms.training.clip_norm == 1.0


def test_off_is_a_word_not_a_truth_value(short_forms):
    assert short_forms.data.guards.duplicates == "off"


def test_bare_names_stand_for_blocks(short_forms):
    assert short_forms.training.optimizer.type == "adamw"
    assert short_forms.preparation.scale.type == "robust"
    assert short_forms.network.layers[1].function == "relu"


def test_empty_blocks_mean_their_defaults():
    config = load_config(SHORTEST, ["training=", "network=", "deliver="]).config
    assert config == load_config(SHORTEST).config


def test_features_is_one_table_input():
    assert load_config(SHORTEST).config.inputs["features"].columns == "all"


def test_merged_block_gives_way_to_the_keys_beside_it():
    signal, background = load_config(FOLDER / "good" / "anchors.yaml").config.data.sources
    assert (signal.class_name, background.class_name) == ("signal", "background")
    assert background.limit == 100


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path, monkeypatch):
    folder = tmp_path / "analysis"
    folder.mkdir()
    (folder / "run.yaml").write_text(SHORTEST.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    loaded = load_config("analysis/run.yaml")
    assert loaded.base == folder
    assert loaded.config.data.sources[0].path == "events.csv"
    assert loaded.resolved.data.sources[0].path == str(folder / "events.csv")


def test_resolved_paths_keep_lists_joins_and_absolute_paths(tmp_path):
    config = load_config(FOLDER / "good" / "two_inputs.yaml", ["data.sources.0.path=[/data/a.csv, b*.csv]"])
    source = resolve_paths(config.config, tmp_path).data.sources[0]
    assert source.path == ("/data/a.csv", str(tmp_path / "b*.csv"))
    assert source.join == (str(tmp_path / "labels.csv"),)


def test_overrides_replace_single_values():
    overrides = [
        "training.epochs=5",
        "network.hidden=[64, 64]",
        "data.sources.0.path=other.csv",
        "training.optimizer.type=sgd",
        "training.optimizer.learning_rate=1e-2",
        "data.selection=pt > 20",
        "training.early_stopping=",
    ]
    config = load_config(FOLDER / "good" / "lhcb_pid.yaml", overrides).config
    assert config.training.epochs == 5
    assert config.network.hidden == (64, 64)
    assert config.data.sources[0].path == "other.csv"
    assert config.training.optimizer.type == "sgd"
    assert config.training.optimizer.learning_rate == 0.01
    assert config.data.selection == "pt > 20"
    assert config.training.early_stopping is None


def test_override_opens_a_short_form():
    config = load_config(SHORTEST, ["network.dropout=0.2", "data.sources.0.limit=10"]).config
    assert config.network.dropout == 0.2
    assert config.data.sources[0].limit == 10


def test_override_opens_a_block_with_its_default_type(tmp_path):
    bare = tmp_path / "bare.yaml"
    bare.write_text("name: a\ndata: {sources: [{path: a.csv}], target: t}\nfeatures: [x]\n")
    overrides = ["training.optimizer.learning_rate=0.5", "network.hidden=[8]", "training.schedule.warm_up=1"]
    config = load_config(bare, overrides).config
    assert (config.training.optimizer.type, config.training.optimizer.learning_rate) == ("adam", 0.5)
    assert config.network.hidden == (8,)
    assert config.training.schedule.warm_up == 1
    layers = load_config(bare, ["network.layers=[relu]"]).config.network.layers
    assert len(layers) == 1
    other = ["training.optimizer.type=sgd", "training.optimizer.momentum=0.9"]
    assert load_config(bare, other).config.training.optimizer.momentum == 0.9


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs", r"--set\s+training.epochs: 'training.epochs' is not of the form KEY=VALUE"),
        ("training..epochs=3", "not of the form KEY=VALUE"),
        ("training.epochs=five", r"--set\s+training.epochs: expected a whole number, found 'five'"),
        ("trainig.epochs=3", r"--set\s+trainig: unknown key. Did you mean 'training'\?"),
        (
            "data.sources.4.path=a",
            r"--set\s+data.sources.4: there is no entry 4: the list has 1, counted from 0",
        ),
        ("data.sources.first.path=a", "data.sources is a list: give a position, from 0"),
        ("data.target.name=a", r"--set\s+data.target: expected text, found a block with type, name"),
        ("network.hidden=[64", r"--set\s+network.hidden: the value '\[64' is not valid YAML"),
        ("training.seed.x=3", r"--set\s+training.seed"),
    ],
)
def test_wrong_override_is_explained(override, message):
    with pytest.raises(ConfigError, match=message):
        load_config(SHORTEST, [override])


def test_overrides_and_file_are_reported_together():
    with pytest.raises(ConfigError, match="2 problems") as caught:
        load_config(FOLDER / "bad" / "misspelt_key.yaml", ["training.epochs=0"])
    assert "line 9 " in str(caught.value)
    assert "--set " in str(caught.value)


def test_missing_file_shows_the_nearest_names(tmp_path):
    (tmp_path / "higgs.yaml").touch()
    with pytest.raises(ConfigError, match=r"higs.yaml does not exist. Did you mean higgs.yaml\?"):
        load_config(tmp_path / "higs.yaml")


def test_missing_file_lists_what_is_there(tmp_path):
    with pytest.raises(ConfigError, match="YAML files there: none"):
        load_config(tmp_path / "higs.yaml")
    with pytest.raises(ConfigError, match="there is no folder"):
        load_config(tmp_path / "nowhere" / "higs.yaml")


def test_folder_is_not_a_configuration(tmp_path):
    with pytest.raises(ConfigError, match="is a folder"):
        load_config(tmp_path)


def test_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_bytes("name: größe".encode("latin-1"))
    with pytest.raises(ConfigError, match="found byte 0xf6 at position 8, expected YAML as UTF-8"):
        load_config(path)


def test_control_characters_are_refused(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_bytes(b"name: a\x00b")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_config(path)


def test_byte_order_mark_is_ignored(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(SHORTEST.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert load_config(path).config.name == "shortest"
