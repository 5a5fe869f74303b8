"""Proof that a fitted booster keeps the directions of risk, read off its trees.

Where a tree splits on a feature with a direction, no leaf of the safer side may lie above any leaf of the riskier side.
That is what LightGBM's `basic` method enforces, and it suffices: along such a feature a row can only move from the one
side to the other. The check looks at every split, not at a sample of rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ml.errors import TrainingError
from ml.features import Feature

TREE = re.compile(r"^Tree=\d+\n(.*?)\n\n", re.MULTILINE | re.DOTALL)


def require_monotone(text: str, features: Sequence[Feature]) -> int:
    """Checks every split of the boosters of a text; gives the number of splits on features with a direction.

    Raises:
        TrainingError: a split runs against its feature's direction.
    """
    checked = 0
    for tree in TREE.findall(text):
        entries = dict(line.split("=", 1) for line in tree.splitlines() if "=" in line)
        if int(entries["num_leaves"]) > 1:
            checked += _check_tree(entries, features)
    return checked


def _check_tree(entries: dict[str, str], features: Sequence[Feature]) -> int:
    split, left, right = (
        [int(number) for number in entries[name].split()] for name in ("split_feature", "left_child", "right_child")
    )
    leaves = np.array(entries["leaf_value"].split(), dtype=np.float64)
    lowest, highest = np.empty(len(split)), np.empty(len(split))

    def bounds(child: int) -> tuple[float, float]:
        if child < 0:
            return leaves[~child], leaves[~child]
        return lowest[child], highest[child]

    checked = 0
    # children have larger numbers than their parent
    for node in range(len(split) - 1, -1, -1):
        (left_low, left_high), (right_low, right_high) = bounds(left[node]), bounds(right[node])
        lowest[node], highest[node] = min(left_low, right_low), max(left_high, right_high)
        feature = features[split[node]]
        if feature.sign == 0:
            continue
        checked += 1
        if left_high > right_low if feature.sign > 0 else left_low < right_high:
            raise TrainingError(
                f"A split on '{feature.name}' runs against its direction of risk ({feature.sign:+d}), so the model "
                "breaks its promise; check the LightGBM version: the 'basic' method must hold here."
            )
    return checked
