"""The classes of path differential of SMPTE ST 2022-7:2019."""

from fractions import Fraction

import pytest

from relip.essence.formats import AncFormat, AudioFormat, VideoFormat
from relip.wire.st2022_7 import PathClass

pytestmark = pytest.mark.conformance

HD = VideoFormat(1920, 1080, Fraction(25))
SMALL = VideoFormat(352, 288, Fraction(25))
MS = 1_000_000


@pytest.mark.parametrize(
    ("name", "standard_ns", "high_ns"),
    [("A", 10 * MS, 10 * MS), ("B", 50 * MS, 50 * MS), ("C", 450 * MS, 150 * MS), ("D", MS * 15 // 100, MS * 15 // 100)],
)
def test_each_class_has_a_limit_for_standard_and_for_high_bit_rates(name, standard_ns, high_ns):
    assert PathClass[name].differential_ns(HD) == high_ns
    for form in (SMALL, AudioFormat(), AncFormat(rate=Fraction(25))):
        assert PathClass[name].differential_ns(form) == standard_ns


def test_a_flow_is_of_high_bit_rate_from_270_megabits_a_second():
    # 720 × 576 × 2.5 octets × 8 bits × 25 = 207 Mb/s; 1024 × 540 at 25 is 276 Mb/s.
    assert PathClass.C.differential_ns(VideoFormat(720, 576, Fraction(25))) == 450 * MS
    assert PathClass.C.differential_ns(VideoFormat(1024, 540, Fraction(25))) == 150 * MS
