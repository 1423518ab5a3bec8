"""What the net is blamed for: wrong shapes and speeds, lips open where they must meet, a mouth that moves in silence."""

from __future__ import annotations

import torch
from net import OUTPUTS
from torch import Tensor
from torch.nn import functional

OPEN, WIDTH, ROUND, CLOSURE, LABIODENTAL, TEETH, TONGUE, SPEECH, DOUBT = range(len(OUTPUTS))
SHAPES = {OPEN: 14.0, WIDTH: 10.0, ROUND: 3.0, TEETH: 1.5, TONGUE: 1.5}
EVENTS = {CLOSURE: 1.2, LABIODENTAL: 0.6}
TOLERANCE = 3
"""Columns by which a closure may be early or late without blame: 30 ms."""
FORGIVEN = 0.7
"""Of the blame for a false alarm that near an event: with all of it forgiven closures last 60 ms too long."""
FOCUS = 1.5
OPEN_WHILE_CLOSED = 3.0
FRAME = 4
"""Columns of a video frame at 25 Hz, over which the opening is compared as a viewer sees it."""
LEAST_DOUBT = 0.02
FOLLOW = 0.6
"""How much of the blame comes from a teacher, where there is one."""


def loss(logits: Tensor, targets: Tensor, taught: Tensor | None = None) -> Tensor:
    """The sum for a batch: `logits` (batch, 9, n), `targets` (batch, 8, n), `taught` a teacher's logits or None."""
    shapes = torch.sigmoid(logits)
    total = _shape(shapes, targets) + _together(shapes, targets) + 0.1 * _unsure(shapes, targets)
    for row, weight in EVENTS.items():
        total = total + weight * _event(logits[:, row], targets[:, row])
    total = total + 0.3 * functional.binary_cross_entropy_with_logits(logits[:, SPEECH], targets[:, SPEECH])
    closed, over = targets[:, CLOSURE], functional.relu(shapes[:, OPEN] - targets[:, OPEN])
    silent = 1.0 - targets[:, SPEECH]
    total = total + OPEN_WHILE_CLOSED * (closed * over).mean() + (silent * (shapes[:, OPEN] - targets[:, OPEN]).abs()).mean()
    return total if taught is None else (1.0 - FOLLOW) * total + FOLLOW * _follow(logits, shapes, taught)


def _shape(shapes: Tensor, targets: Tensor) -> Tensor:
    """Squares, whose least is the mean of what may be: it follows best where the voice leaves it open. And speed over 20 ms."""
    total = sum(weight * (shapes[:, row] - targets[:, row]).square().mean() for row, weight in SHAPES.items())
    speed = (shapes[:, OPEN, 2:] - shapes[:, OPEN, :-2]) - (targets[:, OPEN, 2:] - targets[:, OPEN, :-2])
    return total + 6.0 * speed.square().mean()


def _unsure(shapes: Tensor, targets: Tensor) -> Tensor:
    """Gaussian likelihood of the opening under the net's own doubt; the doubt learns from it, the opening does not."""
    spread = shapes[:, DOUBT] + LEAST_DOUBT
    apart = (shapes[:, OPEN].detach() - targets[:, OPEN]) / spread
    return (0.5 * apart.square().clamp(max=20.0) + spread.log()).mean()


def _together(shapes: Tensor, targets: Tensor) -> Tensor:
    """1 − correlation over each stretch's speech, frame by frame, for opening and width."""
    weight = functional.avg_pool1d(targets[:, SPEECH : SPEECH + 1], FRAME)[:, 0]
    total = shapes.new_zeros(())
    for row, share in ((OPEN, 0.8), (WIDTH, 0.4)):
        a, b = (functional.avg_pool1d(x[:, row : row + 1], FRAME)[:, 0] for x in (shapes, targets))
        count = weight.sum(1, keepdim=True).clamp(min=1.0)
        a, b = (x - (x * weight).sum(1, keepdim=True) / count for x in (a, b))
        norms = ((a.square() * weight).sum(1) * (b.square() * weight).sum(1) + 1e-6).sqrt()
        r = (a * b * weight).sum(1) / (norms + 1e-3)
        moves = (((b.square() * weight).sum(1) / count[:, 0]).sqrt() > 0.03).float() * (count[:, 0] > 10).float()
        total = total + share * ((1.0 - r) * moves).sum() / moves.sum().clamp(min=1.0)
    return total


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


def _follow(logits: Tensor, shapes: Tensor, taught: Tensor) -> Tensor:
    """What the teacher says, shapes by squares and decisions by their probabilities."""
    wanted = torch.sigmoid(taught)
    total = sum(weight * (shapes[:, row] - wanted[:, row]).square().mean() for row, weight in SHAPES.items())
    for row in (*EVENTS, SPEECH):
        total = total + functional.binary_cross_entropy_with_logits(logits[:, row], wanted[:, row])
    return total + (shapes[:, DOUBT] - wanted[:, DOUBT]).square().mean()
