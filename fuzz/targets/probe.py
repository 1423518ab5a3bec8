"""Whatever comes, the probe reports it, and each packet is in one of its counts."""

from fractions import Fraction

import numpy as np

from columns import ROWS, columns
from mutation import joined, records
from probed import Video
from relip.essence.flow import Leg
from relip.essence.formats import AncFormat, AudioFormat, Format, VideoFormat
from relip.essence.grains import AncGrain, AncPacket
from relip.ports import Chunk
from relip.probe.legs import Capturing
from relip.probe.study import Target, Watch, study
from relip.wire import st2110_40
from relip.wire.disclosure import Disclosure, pack
from relip.wire.st2110_30 import AudioPackets

FRAMED = True
LEG = Leg("239.1.2.3", 5004)
RASTER = VideoFormat(720, 8, Fraction(25))
SAID: tuple[Format | None, ...] = (None, RASTER, AudioFormat(channels=2), AncFormat())
NOON_NS = 1_790_000_000_000_000_000


def check(data: bytes) -> None:
    """Watch the records as one chunk, a millisecond apart, whatever was said of the flow."""
    octets, lengths = columns(records(data)[:ROWS])
    n = len(lengths)
    stamps = NOON_NS + 1_000_000 * np.arange(n)
    chunk = Chunk(octets, lengths, np.zeros(n, np.uint8), n, stamps)
    for said in SAID:
        watch = Watch(Target("flow", (LEG,), said), LEG)
        watch.take(chunk)
        report = study([watch], [Capturing("a test", 1)], tai_utc_ns=37_000_000_000).report
        counts = report.legs[0].packets
        assert counts.received + counts.duplicate + counts.malformed + counts.other_type + counts.other_sender == n
        assert report.model_dump_json()


def seeds() -> list[bytes]:
    """Three frames of video, sound, ancillary data with a disclosure, and a mixture."""
    pictures = [octets for _, octets in Video(raster=RASTER).frames(4).packets]
    sound = AudioPackets(AudioFormat(channels=2), payload_type=97, ssrc=9).packets(np.zeros((480, 2), np.float32), 0, 65_533)
    heard = [packet.tobytes() for packet in sound]
    grain = AncGrain(90_000, (pack(Disclosure(altered=True)), AncPacket(0x61, 0x01, bytes(20))))
    words = [st2110_40.pack(grain, payload_type=100, ssrc=1, sequence=k)[0] for k in range(8)]
    return [joined(pictures), joined(heard), joined(words), joined([*pictures[:20], *heard, *words])]
