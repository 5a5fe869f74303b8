"""Early warning: learns supplier distress from point-in-time tables, scores it, says why, and watches itself for drift.

Takes and returns tables and knows no path but a model's folder.
"""

from ml.model import Model
from ml.scoring import Scores, score
from ml.spec import TrainingSpec
from ml.train import fit

__all__ = ["Model", "Scores", "TrainingSpec", "fit", "score"]
