"""CPU time of the voice's way out, in percent of a core: keeping what comes, and sending it on. Prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from fractions import Fraction

import numpy as np

from relip.clock.ptp import TaiClock
from relip.essence.flow import Leg
from relip.essence.formats import AudioFormat
from relip.essence.tai import AUDIO_CLOCK_HZ
from relip.frames.sounds import SoundStore
from relip.graph.sounding import VoiceSender
from relip.transport.udp import UdpSink
from relip.wire.rtp import HEADER_OCTETS
from relip.wire.st2110_30 import AudioPackets

SECONDS = 5
LATENCY_NS = 200_000_000
VISIT = AUDIO_CLOCK_HZ // 50
"""Samples that a visit to the socket brings."""
FORMATS = {
    "mono 1 ms": AudioFormat(),
    "8 channels 1 ms": AudioFormat(channels=8),
    "8 channels 125 us": AudioFormat(channels=8, packet_time=Fraction(1, 8000)),
}


def measure(form: AudioFormat) -> dict[str, float]:
    """Keep and send in real time for some seconds, on the loopback interface."""
    clock, store = TaiClock(), SoundStore(form, samples=2 * AUDIO_CLOCK_HZ)
    sender = VoiceSender(
        UdpSink(Leg("239.255.21.30", 21030), clock=clock),
        store,
        AudioPackets(form, payload_type=97, ssrc=1),
        form,
        clock=clock,
        latency_ns=LATENCY_NS,
        offset=lambda: 0,
        failures=Counter(),
    )
    size = form.packet_samples
    index = np.arange(VISIT // size)
    rows = np.zeros((len(index), 1500), np.uint8)
    offset, count = np.full(len(index), HEADER_OCTETS), np.full(len(index), size)
    number = first = clock.now().ticks(AUDIO_CLOCK_HZ) // size * size
    keeping = sending = 0.0
    while number - first < SECONDS * AUDIO_CLOCK_HZ:
        begun = time.thread_time()
        while number + VISIT < clock.now().ticks(AUDIO_CLOCK_HZ):
            store.keep(rows, index, offset=offset, start=number + index * size, count=count)
            number += VISIT
        kept = time.thread_time()
        if not sender.step():
            clock.wait_until(clock.now().after(1_000_000))
            continue
        keeping, sending = keeping + kept - begun, sending + time.thread_time() - kept
    sender.close()
    return {"keep_percent": round(100 * keeping / SECONDS, 2), "send_percent": round(100 * sending / SECONDS, 2)}


if __name__ == "__main__":
    json.dump({name: measure(form) for name, form in FORMATS.items()}, sys.stdout, indent=2)
    print()
