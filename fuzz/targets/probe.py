"""Whatever comes to a port is reported as what it is or as unknown, and every packet of it is counted."""

from fractions import Fraction

from columns import ROWS, chunk
from mutation import joined, records
from relip.essence.flow import Leg
from relip.essence.formats import AudioFormat, VideoFormat
from relip.probe.legs import Capturing
from relip.probe.study import Target, Watch, study
from targets import ancillary, pcm, video

FRAMED = True
LEG = Leg("239.1.1.1", 5004)
TARGETS = (
    Target("unknown", (LEG,)),
    Target("picture", (LEG,), VideoFormat(8, 6, Fraction(50)), 96),
    Target("voice", (LEG,), AudioFormat(channels=2), 97),
)


def check(data: bytes) -> None:
    """Records are packets; they come in chunks."""
    packets = records(data)
    for target in TARGETS:
        watch = Watch(target, LEG)
        for at in range(0, len(packets), ROWS):
            watch.take(chunk(packets[at : at + ROWS]))
        found = study([watch], [Capturing("fuzz", 1)], tai_utc_ns=37_000_000_000)
        (leg,) = found.report.legs
        said = leg.packets
        counted = said.received + said.duplicate + said.malformed + said.other_type + said.other_sender
        assert counted == len(packets), said
        found.report.model_dump_json()


def seeds() -> list[bytes]:
    """A picture, a voice, ancillary data."""
    picture = [packet for n in range(40) for packet in video.frame(n)]
    return [joined(picture), *pcm.seeds(), *ancillary.seeds()]
