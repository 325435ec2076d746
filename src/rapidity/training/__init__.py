"""The training loop above all engines: schedules, early stopping, history, checkpoints.

What happens inside an epoch belongs to the engines; where the events come from, to `data`.
"""

from rapidity.data.fitted_outputs import CLASS_OUTPUT
from rapidity.training.checkpoints import CheckpointFolder, Position
from rapidity.training.history import EpochRow, History
from rapidity.training.loop import TrainingResult, fit
from rapidity.training.objective import make_objective, make_output_objectives
from rapidity.training.plan import TrainingPlan
from rapidity.training.schedules import Span, make_schedule

__all__ = [
    "CLASS_OUTPUT",
    "CheckpointFolder",
    "EpochRow",
    "History",
    "Position",
    "Span",
    "TrainingPlan",
    "TrainingResult",
    "fit",
    "make_objective",
    "make_output_objectives",
    "make_schedule",
]
