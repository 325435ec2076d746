"""The report of what was computed, skipped and freed, and of the bytes alive."""

from __future__ import annotations

import itertools

import numpy as np

import rapidity.autodiff as ad


def run(n_layers=4, size=1000, *, keeps_values=False):
    """Return the journal of a chain of sines, its leaf and its value."""
    journal = ad.Journal(keeps_values=keeps_values)
    w = ad.tensor(np.full(size, 0.5), requires_gradient=True, workspace=ad.Workspace(journal=journal))
    value = w
    for _ in range(n_layers):
        value = ad.sin(value)
    return journal, w, value.sum()


def test_forward_pass_keeps_what_the_rules_need():
    journal, _, _ = run(n_layers=4)
    # The leaf and the inputs of the three other sines; the last value is needed by no rule.
    assert journal.live_bytes == 4 * 8000 + 8


def test_live_bytes_fall_during_the_backward_pass():
    journal, _, value = run(n_layers=6)
    before = journal.live_bytes
    value.backward()
    at_visits = [event.live_bytes for event in journal.events if event.happening == "visited"]
    # From one sine to the next its input goes; the gradient on its way takes the same at each of them.
    assert all(later < earlier for earlier, later in itertools.pairwise(at_visits[1:]))
    assert journal.live_bytes < before


def test_only_the_leaf_its_gradient_and_the_value_are_left():
    journal, w, value = run()
    value.backward()
    assert journal.live_bytes == 2 * w.array.nbytes + value.array.nbytes


def test_views_own_no_memory():
    journal = ad.Journal()
    x = ad.tensor(np.ones((10, 10)), requires_gradient=True, workspace=ad.Workspace(journal=journal))
    turned = ad.transpose(x).reshape((100,))[::2]
    assert [entry.n_bytes for entry in journal.entries] == [800, 0, 800, 0]
    del turned
    assert journal.live_bytes == 800


def test_memory_under_a_view_counts_until_the_last_view_is_gone():
    journal = ad.Journal()
    x = ad.tensor(np.ones(100), workspace=ad.Workspace(journal=journal))
    doubled = x * 2.0
    part = doubled[:3]
    del doubled
    assert journal.live_bytes == 1600
    del part
    assert journal.live_bytes == 800


def test_extra_results_count():
    journal = ad.Journal()
    workspace = ad.Workspace(journal=journal)
    from rapidity.autodiff.operation import Operation, Vjp, extra
    from rapidity.autodiff.tape import apply

    with_extra = Operation(
        "with_extra", lambda memory, x: (x * 2, np.ones(50)), (Vjp(lambda g, e: g * 2.0, needs=(extra(0),)),)
    )
    value = apply(with_extra, ad.tensor(np.ones(10), requires_gradient=True, workspace=workspace)).sum()
    assert journal.live_bytes == 80 + 400 + 8
    value.backward()
    assert journal.live_bytes == 80 + 80 + 8


def test_counts_and_rows():
    journal = ad.Journal()
    workspace = ad.Workspace(journal=journal)
    w = ad.tensor(2.0, requires_gradient=True, workspace=workspace)
    unused = ad.exp(w)
    value = w * 3.0
    value.backward()
    assert [entry.operation for entry in journal.computed] == ["exp", "multiply"]
    assert [entry.operation for entry in journal.skipped] == ["exp"]
    assert [entry.operation for entry in journal.gradients] == ["multiply"]
    assert journal.summary().startswith("computed 2 nodes forward, 1 backward; skipped 1; freed 0")
    rows = journal.rows()
    assert [row[1:3] for row in rows[:3]] == [
        ("computed", "leaf"),
        ("computed", "exp"),
        ("computed", "multiply"),
    ]
    assert rows[-1][3] == journal.live_bytes
    assert journal.peak_bytes == max(row[3] for row in rows)
    assert unused.item() > 0


def test_moment_of_freeing_in_words():
    journal, w, value = run(n_layers=2)
    assert journal.when_freed(0) == "kept"
    assert journal.when_freed(2) == "forward, with node 3 (sum)"
    value.backward()
    assert journal.when_freed(1) == "backward, with node 2 (sin)"
    assert journal.when_freed(3) == "kept"
    assert w.gradient is not None


def test_values_and_gradients_are_copied_where_asked_for():
    journal, w, value = run(n_layers=1, size=2, keeps_values=True)
    value.backward()
    sine = journal.entries[1]
    assert np.allclose(sine.value, np.sin(w.array))
    assert np.array_equal(sine.gradient, np.ones(2))
    assert run(n_layers=1)[0].entries[1].value is None


def test_nodes_of_the_backward_pass_are_marked():
    journal, w, value = run(n_layers=1)
    slope = ad.gradients(value, [w], create_graph=True)[0].sum()
    assert {entry.operation for entry in journal.entries if entry.is_gradient and entry.operation} == {
        "reshape",
        "broadcast_to",
        "cos",
        "multiply",
    }
    slope.backward()
    assert journal.entries[-1].is_gradient
    again = ad.exp(w)
    assert not journal.entries[-1].is_gradient
    assert again.shape == w.shape
