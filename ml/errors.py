"""What can go wrong in `ml`, each raised with one sentence: what is wrong, where, and what to do."""

from __future__ import annotations


class EarlyWarningError(Exception):
    """Base of every failure that `ml` reports; none of them is cured by a retry on the same input."""


class FeatureRegistryError(EarlyWarningError):
    """The feature registry is unreadable or contradicts itself."""


class FrameError(EarlyWarningError):
    """A table lacks a column, or a column holds what the model cannot take."""


class TrainingError(EarlyWarningError):
    """The table cannot carry a model: too short, too few events, or one class only."""


class ScoringError(EarlyWarningError):
    """A score came out that must not be published."""


class ModelFolderError(EarlyWarningError):
    """A model folder is missing, altered or inconsistent."""
