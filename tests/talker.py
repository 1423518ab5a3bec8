"""Somebody who speaks, made of the portrait that scikit-image brings: lips that part, a camera that sways."""

import numpy as np

from pictures import resampled, turned

SIZE = 400


def speaking(portrait, opening):
    """The portrait with what lies below the lips moved down by `opening` pixels, and the gap dark."""
    spoken = portrait.copy()
    x0, x1, lips, chin = 204, 246, 147, 175
    for x in range(x0, x1):
        down = round(opening * np.sin(np.pi * (x - x0) / (x1 - x0)))
        if down:
            spoken[lips + down : chin, x] = portrait[lips : chin - down, x]
            spoken[lips : lips + down, x] = (40, 20, 20)
    return spoken


def shot(portrait, k, *, zoom):
    """Frame k of a shot in which somebody speaks and the camera sways."""
    seen = speaking(portrait, 4 * (1 + np.sin(k)))
    x, y = 225, 140
    return resampled(seen, turned((x + 2 * np.sin(k / 5), y + np.cos(k / 7)), zoom, 2 * np.sin(k / 9), SIZE), SIZE)
