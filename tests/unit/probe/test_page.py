"""The page that a person judges by: it is drawn of every kind of flow, and of flows of which nothing came."""

import sys

import pytest

from probed import Video, capture_of, probe
from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.essence.grains import AncGrain
from relip.probe import page
from relip.probe.report import ProbeReport
from relip.probe.study import Target
from relip.wire import rtp, st2110_40
from relip.wire.disclosure import Disclosure, pack

pytestmark = pytest.mark.unit


def report(*studies):
    return ProbeReport(source="a file", seconds=1.0, clock="a clock", flows=[s.report for s in studies], remarks=[])


def size_of(path):
    head = path.read_bytes()[:24]
    assert head[1:4] == b"PNG"
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def sound():
    header = rtp.template(1, rtp.HEADER_OCTETS, payload_type=97, ssrc=1)
    packets = []
    for i in range(300):
        rtp.fixed_header(header)["sequence"] = i
        rtp.fixed_header(header)["timestamp"] = 48 * i
        packets.append((10**18 + i * 10**6, header.tobytes() + bytes(144)))
    return packets


def disclosures():
    grains = (AncGrain(k * 1800, (pack(Disclosure(altered=True)),)) for k in range(20))
    made = [st2110_40.pack(grain, payload_type=100, ssrc=1, sequence=k)[0] for k, grain in enumerate(grains)]
    return [(10**18 + k * 20_000_000, octets) for k, octets in enumerate(made)]


@pytest.fixture
def studies(tmp_path):
    pytest.importorskip("matplotlib", reason="the page needs the extra probe")
    late = Video()
    for number in range(6):
        late.frame(number, arrivals=late.shape.reading(late.first + number, "linear") + 9_000_000)
    unstamped = [(0, octets) for _, octets in Video().frames(4).packets]
    flows = [late.packets, unstamped, sound(), disclosures(), []]
    legs = [Leg(f"239.1.2.{n}", 5004) for n in range(len(flows))]
    path = capture_of(tmp_path / "all.pcap", *zip(legs, flows, strict=True))
    return [probe(path, target=Target(f"flow {n}", (leg,))) for n, leg in enumerate(legs)]


def test_a_row_is_drawn_for_each_leg_of_every_kind(studies, tmp_path):
    page.draw(report(*studies), studies, tmp_path / "five.png")
    page.draw(report(studies[0]), studies[:1], tmp_path / "one.png")
    (width, five), (same, one) = size_of(tmp_path / "five.png"), size_of(tmp_path / "one.png")
    assert width == same
    assert five > 4 * one


def test_the_verdicts_on_the_page_are_those_of_the_report(studies):
    lines = [text for text, _ in page._judged(studies[0].report.legs[0])]
    assert "2110TPW: 0.0% of frames (Cinst ≤ 16, VRX 0…720)" in lines
    colours = {text.split(":")[0]: colour for text, colour in page._judged(studies[0].report.legs[0])}
    assert colours["2110TPW"] == page.BAD


def test_a_long_remark_is_folded_at_spaces():
    folded = page._folded("word " * 40)
    assert max(len(line) for line in folded.split("\n")) <= 80
    assert folded.split() == ["word"] * 40


def test_a_page_that_cannot_be_written_is_named(studies, tmp_path):
    with pytest.raises(ResourceError, match="nowhere"):
        page.draw(report(*studies), studies, tmp_path / "nowhere" / "a.png")


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ResourceError, match=r"relip\[probe\]"):
        page.ready()
