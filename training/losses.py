"""What the net is blamed for: wrong shapes and speeds, lips open where they must meet, a mouth that moves in silence."""

from __future__ import annotations

import torch
from coarticulation import PARAMETERS
from torch import Tensor
from torch.nn import functional

OPEN, WIDTH, ROUND, CLOSURE, LABIODENTAL, TEETH, TONGUE, SPEECH = range(len(PARAMETERS))
SHAPES = {OPEN: 6.0, WIDTH: 4.0, ROUND: 3.0, TEETH: 1.0, TONGUE: 1.0}
EVENTS = {CLOSURE: 1.2, LABIODENTAL: 0.6}
TOLERANCE = 3
"""Columns by which a closure may be early or late without blame: 30 ms."""
FORGIVEN = 0.7
"""Of the blame for a false alarm that near an event: with all of it forgiven closures last 60 ms too long."""
FOCUS = 1.5
OPEN_WHILE_CLOSED = 4.0


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The sum for a batch: (batch, 8, n) each."""
    shapes = torch.sigmoid(logits)
    total = _shape(shapes, targets) + _together(shapes, targets)
    for row, weight in EVENTS.items():
        total = total + weight * _event(logits[:, row], targets[:, row])
    total = total + 0.3 * functional.binary_cross_entropy_with_logits(logits[:, SPEECH], targets[:, SPEECH])
    closed, over = targets[:, CLOSURE], functional.relu(shapes[:, OPEN] - targets[:, OPEN])
    silent = 1.0 - targets[:, SPEECH]
    return total + OPEN_WHILE_CLOSED * (closed * over).mean() + (silent * (shapes[:, OPEN] - targets[:, OPEN]).abs()).mean()


def _shape(shapes: Tensor, targets: Tensor) -> Tensor:
    """Huber on positions, and L1 on the speed of the opening over 20 ms."""
    total = sum(
        weight * functional.huber_loss(shapes[:, row], targets[:, row], delta=0.15) / 0.15 for row, weight in SHAPES.items()
    )
    speed = (shapes[:, OPEN, 2:] - shapes[:, OPEN, :-2]) - (targets[:, OPEN, 2:] - targets[:, OPEN, :-2])
    return 0.25 * total + speed.abs().mean()


def _together(shapes: Tensor, targets: Tensor) -> Tensor:
    """1 − correlation over each stretch that moves, for opening and width."""
    total = shapes.new_zeros(())
    for row in (OPEN, WIDTH):
        a, b = shapes[:, row], targets[:, row]
        a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
        spread = b.norm(dim=1)
        r = (a * b).sum(1) / (a.norm(dim=1) * spread + 1e-4)
        moves = (spread > 0.03 * b.shape[1] ** 0.5).float()
        total = total + ((1.0 - r) * moves).sum() / moves.sum().clamp(min=1.0)
    return 0.4 * total


def _event(logit: Tensor, target: Tensor) -> Tensor:
    """Focal cross-entropy that forgives 30 ms: near an event a false alarm costs little, and a hit may lie beside it."""
    near = functional.max_pool1d(target[:, None], 2 * TOLERANCE + 1, stride=1, padding=TOLERANCE)[:, 0]
    best = functional.max_pool1d(logit[:, None], TOLERANCE, stride=1, padding=TOLERANCE // 2)[:, 0]
    hit = target * (_focal(logit, sign=1.0) + _focal(best, sign=1.0))
    false = (1.0 - target) * (1.0 - FORGIVEN * near) * _focal(logit, sign=-1.0)
    return (1.6 * hit + false).mean()


def _focal(logit: Tensor, *, sign: float) -> Tensor:
    """Cross-entropy against yes (sign 1) or no (−1), less for what is already right."""
    return torch.sigmoid(-sign * logit) ** FOCUS * functional.softplus(-sign * logit)
