"""Blending into pgroups: rounding, legality and what alpha 0 protects."""

import numpy as np
import pytest

from relip.device.blend import blend, blend_reference
from relip.essence.grains import Planes

pytestmark = pytest.mark.unit


def over(value=500, width=16, height=6):
    planes = Planes.of(width, height)
    for plane in (planes.y, planes.cb, planes.cr):
        plane[:] = value
    return planes


def under(height=6, octets=40):
    return np.random.default_rng(5).integers(0, 256, (height, octets), dtype=np.uint8)


def laid(octets, planes, alpha):
    out = np.zeros_like(octets)
    blend(octets, planes.y, planes.cb, planes.cr, alpha, out)
    return out


def test_the_compiled_blend_equals_its_reference():
    alpha = np.random.default_rng(6).random((6, 16), dtype=np.float32)
    alpha[alpha < 0.3] = 0
    slow = np.zeros((6, 40), np.uint8)
    blend_reference(under(), over(), alpha, slow)
    np.testing.assert_array_equal(laid(under(), over(), alpha), slow)


def test_alpha_nought_keeps_every_bit_even_of_illegal_codes():
    octets = np.zeros((6, 40), np.uint8)
    octets[3:] = 255
    np.testing.assert_array_equal(laid(octets, over(), np.zeros((6, 16), np.float32)), octets)


def test_full_alpha_replaces_and_keeps_codes_legal():
    alpha = np.ones((6, 16), np.float32)
    assert laid(under(), over(1023), alpha).reshape(-1, 5)[0].tolist() == [0xFE, 0xFF, 0xBF, 0xEF, 0xFB]  # 1019 four times
    low = laid(under(), over(0), alpha).reshape(-1, 5)[0]
    assert low.tolist() == [0x01, 0x00, 0x40, 0x10, 0x04]  # 4 four times
