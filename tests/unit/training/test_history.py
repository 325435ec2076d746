from __future__ import annotations

from rapidity.training import EpochRow, History

ROW = EpochRow(1, 0.1, 0.7, None, 0.5, None, 0.6, None, 2.0, "torch")


def test_history_is_written_one_line_an_epoch(tmp_path):
    History().extended(ROW).extended(ROW).write_csv(tmp_path / "history.csv")
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,rate,train_loss,validation_loss")
    assert lines[1:] == ["1,0.1,0.7,,0.5,,0.6,,2.0,torch"] * 2


def test_history_comes_back_from_plain_values():
    history = History().extended(ROW)
    assert History.from_list(history.to_list()) == history


def test_columns_are_ready_for_plots():
    columns = History().extended(ROW).columns()
    assert columns["epoch"] == [1]
    assert columns["validation_auc"] == [None]
    assert "engine" not in columns


def test_losses_of_several_outputs_have_columns_of_their_own(tmp_path):
    row = EpochRow(1, 0.1, 0.7, 0.6, None, None, None, None, 2.0, "numpy", {"validation_loss_energy": 0.25})
    history = History((row,))
    history.write_csv(tmp_path / "history.csv")
    header, values = (tmp_path / "history.csv").read_text().splitlines()
    assert header.endswith(",engine,validation_loss_energy")
    assert values.endswith(",numpy,0.25")
    assert history.columns()["validation_loss_energy"] == [0.25]
    assert History.from_list(history.to_list()) == history
