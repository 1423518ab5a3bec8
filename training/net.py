"""The articulation nets: stacks of dilated convolutions over log-mel columns, functions of a fixed window.

They keep no state between calls: every output column depends on the plan's past before it and its future after it and on
nothing else, the level normalisation included. So the live path and the offline path give the same numbers however they cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from coarticulation import PARAMETERS
from torch import Tensor, nn
from torch.nn import functional

from relip.speech.mel import BANDS

LOUDNESS_COLUMNS = 5
LEVEL_COLUMNS = 150
"""The level is the loudest 50 ms of the last 1.5 s."""
LEVEL_CONTEXT = LOUDNESS_COLUMNS + LEVEL_COLUMNS - 2
LEAST_LEVEL = -9.0
"""Nothing below about −45 dB of full scale is blown up to the level of speech."""
DEPTH = 12.0
"""Nepers of power below the level at which a band counts as silent."""

OUTPUTS = (*PARAMETERS, "doubt")
"""`doubt`: standard deviation of the opening as the net sees it."""
LOGITS = tuple(OUTPUTS.index(name) for name in ("closure", "labiodental", "speech"))


@dataclass(frozen=True, slots=True)
class Plan:
    """The shape of a net: `channels`, and three-tap blocks by dilation, `True` where one looks back only."""

    channels: int
    blocks: tuple[tuple[int, bool], ...]

    @property
    def future(self) -> int:
        """Columns that the net looks ahead: one for the first layer, and what its centred blocks take."""
        return 1 + sum(dilation for dilation, past_only in self.blocks if not past_only)

    @property
    def past(self) -> int:
        """Columns that it looks back."""
        return self.future + 2 * sum(dilation for dilation, past_only in self.blocks if past_only) + LEVEL_CONTEXT


def _student(centred: tuple[bool, ...]) -> Plan:
    """The students differ only in which blocks look back: their weights fit each other."""
    return Plan(112, tuple((dilation, not middle) for dilation, middle in zip((1, 2, 4, 8, 8, 2, 3, 3), centred, strict=True)))


STUDENTS: dict[int, Plan] = {
    40: _student((True, True, False, False, False, False, False, False)),
    120: _student((True, True, False, False, False, True, True, True)),
    200: _student((True, True, False, True, False, True, True, True)),
}
"""By look-ahead in milliseconds."""
TEACHER = Plan(256, tuple((dilation, False) for dilation in (1, 2, 4, 8, 16, 8, 4, 2, 2)))
"""Hears half a second to each side."""
assert all(plan.future * 10 == look_ahead for look_ahead, plan in STUDENTS.items())


class Block(nn.Module):
    """A dilated three-tap convolution and a mixing of channels, added to what came in. Shortens by 2·dilation columns."""

    def __init__(self, channels: int, dilation: int, *, past_only: bool) -> None:
        super().__init__()
        self.dilation, self.past_only = dilation, past_only
        self.spread = nn.Conv1d(channels, channels, 3, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(channels)
        self.mix = nn.Conv1d(channels, channels, 1)

    @property
    def crop(self) -> tuple[int, int]:
        """Columns that the sum leaves out at the start and at the end."""
        return (2 * self.dilation, 0) if self.past_only else (self.dilation, self.dilation)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, n) → (batch, channels, n − 2·dilation)."""
        start, end = self.crop
        return x[:, :, start : x.shape[2] - end] + self.mix(functional.relu(self.norm(self.spread(x))))


class Net(nn.Module):
    """Log-mel → mouth. (batch, 80, n) → (batch, 9, n − past − future), logits throughout."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.first = nn.Conv1d(BANDS + 2, plan.channels, 3, bias=False)
        self.norm = nn.BatchNorm1d(plan.channels)
        self.blocks = nn.ModuleList(Block(plan.channels, dilation, past_only=past) for dilation, past in plan.blocks)
        self.last = nn.Conv1d(plan.channels, len(OUTPUTS), 1)

    def forward(self, mel: Tensor) -> Tensor:
        """All outputs as logits."""
        x = functional.relu(self.norm(self.first(normalise(mel))))
        for block in self.blocks:
            x = block(x)
        return self.last(functional.relu(x))


def normalise(mel: Tensor) -> Tensor:
    """Bands relative to the level of the last 1.5 s, with loudness and level beside them: (batch, 82, n − 153)."""
    loudness = torch.logsumexp(mel, dim=1, keepdim=True)
    smooth = functional.avg_pool1d(loudness, LOUDNESS_COLUMNS, stride=1)
    level = functional.max_pool1d(smooth, LEVEL_COLUMNS, stride=1).clamp(min=LEAST_LEVEL)
    count = level.shape[2]
    bands = (mel[:, :, -count:] - level).clamp(min=-DEPTH) / 4.0 + 1.5
    relative = (loudness[:, :, -count:] - level).clamp(min=-DEPTH) / 4.0
    return torch.cat([bands, relative, (level + 4.0) / 4.0], dim=1)


def bounded(logits: Tensor) -> Tensor:
    """Shapes in 0..1, decisions still as logits: what the exported net gives."""
    rows = [logits[:, i] if i in LOGITS else torch.sigmoid(logits[:, i]) for i in range(len(OUTPUTS))]
    return torch.stack(rows, dim=1)
