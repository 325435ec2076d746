"""The plots to zoom into, as a run writes them."""

from __future__ import annotations

import json
import re

import pytest

from rapidity.workflow import train_run, write_run_report

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def test_run_writes_links_and_removes_interactive_plots(tmp_path, tiny_events, save_csv, write_config):
    save_csv(tmp_path / "events.csv", tiny_events(300))
    run = train_run(write_config(), output=tmp_path / "run")
    folder = run.path.interactive
    assert (folder / "roc.html").is_file()
    assert 'href="plots/interactive/roc.html"' in run.path.report.read_text()
    # The numbers on the page are those of the history.
    page = (folder / "loss.html").read_text()
    figure = json.loads(re.search(r"const figure = (.*);\nPlotly", page).group(1))
    rows = run.path.history.read_text().splitlines()
    losses = [float(row.split(",")[rows[0].split(",").index("train_loss")]) for row in rows[1:]]
    assert figure["data"][0]["y"] == pytest.approx(losses, rel=1e-5)

    without = ["evaluation.interactive=false"]
    train_run(tmp_path / "config.yaml", output=tmp_path / "run", overrides=without, resume=True)
    assert not folder.exists()
    assert "interactive/" not in run.path.report.read_text()


def test_report_of_a_run_without_them_has_no_links(tmp_path, tiny_events, save_csv, train):
    save_csv(tmp_path / "events.csv", tiny_events(300))
    run = train()
    write_run_report(run.folder)
    assert "interactive/" not in run.path.report.read_text()
