from __future__ import annotations

from pathlib import Path

import pytest

from rapidity.config import changed_keys, config_fingerprint, load_config

GOOD = Path(__file__).resolve().parents[2] / "config" / "good"


@pytest.fixture
def config():
    return load_config(GOOD / "lhcb_pid.yaml").config


def test_defaults_spelt_out_do_not_change_the_fingerprint(config):
    same = load_config(GOOD / "lhcb_pid.yaml", ["training.seed=1", "training.schedule=one_cycle"]).config
    assert config_fingerprint(same) == config_fingerprint(config)
    assert changed_keys(config, same) == []


def test_any_value_changes_the_fingerprint(config):
    other = load_config(GOOD / "lhcb_pid.yaml", ["training.schedule.rise=0.2"]).config
    assert config_fingerprint(other) != config_fingerprint(config)


def test_changed_keys_are_dotted_and_in_order(config):
    overrides = ["network.hidden=[8]", "training.epochs=3", "training.early_stopping=", "data.target=y"]
    other = load_config(GOOD / "lhcb_pid.yaml", overrides).config
    assert changed_keys(config, other) == [
        "data.target",
        "network.hidden",
        "training.epochs",
        "training.early_stopping.monitor",
        "training.early_stopping.patience",
        "training.early_stopping.min_delta",
        "training.early_stopping",
    ]
