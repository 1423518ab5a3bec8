"""Formats by name, and what is refused."""

from fractions import Fraction

import pytest

from relip.essence.errors import FormatError
from relip.essence.flow import Flow, Leg
from relip.essence.formats import RASTERS, RATES, AudioFormat, VideoFormat, video_format
from relip.essence.scene import Region

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("raster", RASTERS)
@pytest.mark.parametrize("rate", RATES)
def test_every_raster_and_rate_has_a_name_that_reads_back(raster, rate):
    assert str(video_format(raster + rate)) == raster + rate


def test_a_1080p_row_is_4800_octets_and_a_frame_five_million():
    form = video_format("1080p25")
    assert (form.row_octets, form.frame_octets) == (4800, 5_184_000)


@pytest.mark.parametrize("name", ["1080i25", "1080p24", "480p25", "1080p", "", "1080p25 "])
def test_a_name_that_is_none_is_refused_with_the_legal_ones(name):
    with pytest.raises(FormatError, match="720p, 1080p, 2160p"):
        video_format(name)


def test_an_odd_width_splits_a_pgroup_and_is_refused_by_value():
    with pytest.raises(FormatError, match="width=361"):
        VideoFormat(width=361, height=288, rate=Fraction(25))


@pytest.mark.parametrize(
    ("keys", "named"), [({"depth": 20}, "depth=20"), ({"channels": 0}, "channels=0"), ({"clock_hz": 44100}, "rate=44100")]
)
def test_an_audio_format_that_relip_does_not_take_is_refused_by_name(keys, named):
    with pytest.raises(FormatError, match=named):
        AudioFormat(**keys)


def test_a_packet_of_125_microseconds_has_six_samples():
    assert AudioFormat(packet_time=Fraction(1, 8000)).packet_samples == 6


@pytest.mark.parametrize("leg", [{"destination": "239.0.0.300", "port": 5004}, {"destination": "studio", "port": 5004}])
def test_an_address_that_is_none_is_refused_by_name(leg):
    with pytest.raises(FormatError, match="destination="):
        Leg(**leg)


def test_a_flow_needs_a_name_because_receivers_refuse_a_blank_one():
    with pytest.raises(FormatError, match="name"):
        Flow(format=AudioFormat(), payload_type=97, legs=(Leg("239.0.0.1", 5004),), name=" ")


def test_a_region_never_splits_a_pgroup():
    with pytest.raises(FormatError, match="x=3"):
        Region(x=3, y=0, width=4, height=4)
