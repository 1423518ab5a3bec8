"""The articulation net, v1: a stack of dilated convolutions over log-mel columns, a function of a fixed window.

It keeps no state between calls: every output column depends on PAST_COLUMNS before it and FUTURE_COLUMNS after it and on
nothing else, the level normalisation included. So the live path and the offline path give the same numbers however they cut.
"""

from __future__ import annotations

import torch
from coarticulation import PARAMETERS
from torch import Tensor, nn
from torch.nn import functional

from relip.speech.mel import BANDS

CHANNELS = 112
CENTRED = (1, 2)
PAST_ONLY = (4, 8, 8)
CENTRED_LATE = (2, 3, 3)
"""Dilations of the three-tap blocks, in this order; one more centred tap to each side lies in the first layer."""
LOUDNESS_COLUMNS = 5
LEVEL_COLUMNS = 150
"""The level is the loudest 50 ms of the last 1.5 s."""
LEAST_LEVEL = -9.0
"""Nothing below about −45 dB of full scale is blown up to the level of speech."""
DEPTH = 12.0
"""Nepers of power below the level at which a band counts as silent."""

FUTURE_COLUMNS = 1 + sum(CENTRED) + sum(CENTRED_LATE)
PAST_COLUMNS = FUTURE_COLUMNS + 2 * sum(PAST_ONLY) + (LOUDNESS_COLUMNS - 1) + (LEVEL_COLUMNS - 1)
LOGITS = tuple(PARAMETERS.index(name) for name in ("closure", "labiodental", "speech"))
assert FUTURE_COLUMNS == 12, "look-ahead is 120 ms"


class Block(nn.Module):
    """A dilated three-tap convolution and a mixing of channels, added to what came in. Shortens by 2·dilation columns."""

    def __init__(self, dilation: int, *, past_only: bool) -> None:
        super().__init__()
        self.dilation, self.past_only = dilation, past_only
        self.spread = nn.Conv1d(CHANNELS, CHANNELS, 3, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(CHANNELS)
        self.mix = nn.Conv1d(CHANNELS, CHANNELS, 1)

    @property
    def crop(self) -> tuple[int, int]:
        """Columns that the sum leaves out at the start and at the end."""
        return (2 * self.dilation, 0) if self.past_only else (self.dilation, self.dilation)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, CHANNELS, n) → (batch, CHANNELS, n − 2·dilation)."""
        start, end = self.crop
        return x[:, :, start : x.shape[2] - end] + self.mix(functional.relu(self.norm(self.spread(x))))


class Net(nn.Module):
    """Log-mel → mouth. (batch, 80, n) → (batch, 8, n − PAST_COLUMNS − FUTURE_COLUMNS), logits throughout."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(BANDS + 2, CHANNELS, 3, bias=False)
        self.norm = nn.BatchNorm1d(CHANNELS)
        order = [(d, False) for d in CENTRED] + [(d, True) for d in PAST_ONLY] + [(d, False) for d in CENTRED_LATE]
        self.blocks = nn.ModuleList(Block(dilation, past_only=past) for dilation, past in order)
        self.last = nn.Conv1d(CHANNELS, len(PARAMETERS), 1)

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
    rows = [logits[:, i] if i in LOGITS else torch.sigmoid(logits[:, i]) for i in range(len(PARAMETERS))]
    return torch.stack(rows, dim=1)
