"""Every sample is a code value of its packet, at its place, exactly; a packet that is masked has none."""

from fractions import Fraction

import numpy as np

from columns import ROWS, columns
from mutation import joined, records
from relip.essence.formats import AudioFormat
from relip.ports import PACKET_STRIDE
from relip.wire import rtp, st2110_30

FRAMED = True
FORMATS = (AudioFormat(channels=2), AudioFormat(channels=1, depth=16), AudioFormat(channels=5, packet_time=Fraction(1, 8000)))


def check(data: bytes) -> None:
    """Read the records as one chunk in several formats, and each by hand."""
    packets = records(data)[:ROWS]
    octets, lengths = columns(packets)
    headers = rtp.parse(octets, lengths)
    for form in FORMATS:
        read = st2110_30.parse(octets, lengths, format=form, payload_type=97)
        assert len(read.samples) == read.count.sum()
        for i, packet in enumerate(packets):
            body = packet[headers.payload_offset[i] : headers.payload_end[i]] if len(packet) <= PACKET_STRIDE else b""
            ours = headers.valid[i] and headers.payload_type[i] == 97 and body and len(body) % form.sample_octets == 0
            assert read.count[i] == (len(body) // form.sample_octets if ours else 0)
            samples = read.samples[read.first[i] : read.first[i] + read.count[i]]
            assert (np.abs(samples) <= 1).all()
            if ours:
                assert st2110_30.pack(samples, depth=form.depth).tobytes() == body


def seeds() -> list[bytes]:
    """Packets of ours, of 1 ms."""
    samples = np.random.default_rng(1).uniform(-1, 1, (48 * 6, 2)).astype(np.float32)
    packets = st2110_30.AudioPackets(FORMATS[0], payload_type=97, ssrc=9).packets(samples, (1 << 32) - 96, 65533)
    return [joined([packet.tobytes() for packet in packets]), joined([packets[0].tobytes()])]
