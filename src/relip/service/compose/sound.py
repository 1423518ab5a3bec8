"""The voice: its way into the graph, and its way out again where the configuration wants one."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from relip.clock.ptp import TaiClock
from relip.config import Config
from relip.essence.flow import AudioFlow, Flow
from relip.essence.grains import AudioBlock
from relip.essence.tai import AUDIO_CLOCK_HZ, NS_PER_S
from relip.frames.audio import AudioAssembler, AudioCounters
from relip.frames.sounds import SoundStore
from relip.graph.delay import Delay
from relip.graph.hearing import Hearing, timestamp_shift, together, voice_timeline
from relip.graph.reception import Reception
from relip.graph.sounding import VoiceSender
from relip.graph.stages import Inbox
from relip.graph.tally import Tally
from relip.graph.timeline import Timeline
from relip.service.compose.ends import sending
from relip.service.compose.flows import Incoming, incoming, out_legs, outgoing
from relip.service.compose.outputs import WayOut, delay_ns, passed_on, write_sdp
from relip.wire import sdp, sdp_timing
from relip.wire.sdp_media import Sending
from relip.wire.st2110_30 import AudioPackets

CHUNK = 256
REST_NS = 100_000_000
"""The voice is fetched when a grain needs it, and this often besides: a wake-up for every packet of 1 ms would cost more than
the articulation net."""
SENT_REST_NS = 20_000_000
"""Where it is sent on, it has to be here in time also while no grain asks for it."""
SPARE_NS = 2 * NS_PER_S
"""Sound that is kept beyond the latency: what comes early, or is read by a thread that was held up."""


@dataclass(frozen=True, slots=True)
class Voices:
    """The voice on its way in, where its timestamps lie, and what sends it on, if anything does."""

    incoming: Incoming
    timeline: Timeline
    reception: Reception[AudioBlock, AudioAssembler]
    sender: VoiceSender | None

    def counters(self) -> AudioCounters:
        """What was counted so far."""
        return self.reception.assembler.counters


def hear(
    config: Config,
    flow: AudioFlow,
    said: tuple[Sending | None, Sending | None],
    picture: Timeline,
    *,
    inbox: Inbox,
    out: WayOut,
    delay: Delay,
    clock: TaiClock,
    tally: Tally,
) -> Voices:
    """Receive the voice into `inbox`, and send it where the configuration wants it.

    `said`: what the senders of the voice and of the picture say of their timestamps. A flow that is sent is added to `out`.
    """
    sounds = incoming(config.voice, flow, buffer_octets=config.sockets.receive_buffer, held=out.held)
    apart_ns = sounds.differential_ns or 0
    timeline = voice_timeline(flow.format.packet_time, delay_ns=delay_ns(said[0]), apart_ns=apart_ns)
    ear = Hearing(timeline, packet_samples=flow.format.packet_samples, clock=clock, put=inbox.put)
    store = None
    if config.output.voice is not None:
        store = SoundStore(flow.format, samples=(delay.latency_ns + SPARE_NS) * AUDIO_CLOCK_HZ // NS_PER_S)
    assembler = AudioAssembler(
        flow.format,
        payload_type=flow.payload_type,
        differential_ns=apart_ns,
        store=store,
        clock_offset=_clock_offset(said[0]),
    )
    reception = Reception(
        sounds.source,
        assembler,
        clock=clock,
        deliver=ear.hear,
        capacity=CHUNK,
        rest_ns=REST_NS if store is None else min(SENT_REST_NS, delay.latency_ns // 4),
        watch=sounds.watch,
    )
    inbox.fetch = reception.fetch
    by_arrival = config.voice.align == "arrival"
    inbox.shift = ear.arrival_shift if by_arrival else lambda _origin, _local: timestamp_shift(picture, timeline)
    sender = None
    if store is not None:
        beside = None if by_arrival else picture
        offset = partial(together, beside, timeline)
        source = said[0] if by_arrival else sdp_timing.beside(*said)
        sender = _sender(config, flow, source, store, offset=offset, out=out, delay=delay, clock=clock, tally=tally)
    return Voices(sounds, timeline, reception, sender)


def _sender(
    config: Config,
    voice: AudioFlow,
    source: Sending | None,
    store: SoundStore,
    *,
    offset: Callable[[], int | None],
    out: WayOut,
    delay: Delay,
    clock: TaiClock,
    tally: Tally,
) -> VoiceSender:
    """What sends the voice; writes its transport file. `source`: what is said of the timestamps it comes with."""
    keys = config.output.voice
    assert keys is not None, "asked for only where the voice is sent"
    flow = Flow(format=voice.format, payload_type=keys.payload_type, legs=out_legs(keys), name=config.name)
    said = passed_on(config, source, sending(clock, ts_refclk=config.clock.ts_refclk), delay)
    out.outgoing["voice"] = outgoing(keys, flow, clock=clock, sending=said, held=out.held)
    write_sdp(keys, sdp.format(flow, sending=said, ttl=keys.ttl))
    shift_ns = out.shift_frames * delay.latency_ns // delay.frames
    return VoiceSender(
        out.outgoing["voice"].sink,
        store,
        AudioPackets(flow.format, payload_type=flow.payload_type, ssrc=secrets.randbits(32)),
        flow.format,
        clock=clock,
        latency_ns=delay.latency_ns,
        offset=offset,
        failures=tally.failures,
        shift_samples=_clock_offset(source) + shift_ns * AUDIO_CLOCK_HZ // NS_PER_S,
    )


def _clock_offset(said: Sending | None) -> int:
    """What a sender's timestamps are ahead of its media clock by."""
    return 0 if said is None else said.media_clock_offset or 0
