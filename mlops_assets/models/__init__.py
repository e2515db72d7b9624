"""Models: training heads, judging them by media, and keeping their versions.

From labelled features to a champion: `train_head`, `evaluate`, `decide_promotion`,
`decide_retraining`, and MLflow behind `ModelRegistry`. Scoring with a `Head` needs no torch.
"""

from __future__ import annotations

from mlops_assets.models.evaluate import (
    ClassScore,
    Evaluation,
    confusion_picture,
    evaluate,
    evaluate_slices,
)
from mlops_assets.models.experiment import Experiment, Material, Scores, run_experiment, score
from mlops_assets.models.features import (
    FEATURE_VERSION,
    MOTION_COLUMNS,
    feature_names,
    join_features,
)
from mlops_assets.models.gate import GateRules, Promotion, decide_promotion
from mlops_assets.models.head import Head
from mlops_assets.models.registry import (
    ChampionRef,
    LoggedTraining,
    ModelRef,
    ModelRegistry,
    TrainingRecord,
)
from mlops_assets.models.retraining import (
    LoopState,
    RetrainingDecision,
    RetrainingRules,
    decide_retraining,
)
from mlops_assets.models.splitting import Split, split_groups
from mlops_assets.models.training import Examples, TrainedHead, TrainingOptions, train_head

__all__ = [
    "FEATURE_VERSION",
    "MOTION_COLUMNS",
    "ChampionRef",
    "ClassScore",
    "Evaluation",
    "Examples",
    "Experiment",
    "GateRules",
    "Head",
    "LoggedTraining",
    "LoopState",
    "Material",
    "ModelRef",
    "ModelRegistry",
    "Promotion",
    "RetrainingDecision",
    "RetrainingRules",
    "Scores",
    "Split",
    "TrainedHead",
    "TrainingOptions",
    "TrainingRecord",
    "confusion_picture",
    "decide_promotion",
    "decide_retraining",
    "evaluate",
    "evaluate_slices",
    "feature_names",
    "join_features",
    "run_experiment",
    "score",
    "split_groups",
    "train_head",
]
