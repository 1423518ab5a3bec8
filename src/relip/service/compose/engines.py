"""The engines of one channel, as the configuration wants them: the same for a live flow and for a file."""

from __future__ import annotations

from fractions import Fraction

from relip.articulation.net import ArticulationNet
from relip.articulation.speaker import Speaker, SpeakerSettings
from relip.clock.manual import ManualClock
from relip.config import LipSync, Models
from relip.essence.formats import VideoFormat
from relip.essence.tai import AUDIO_CLOCK_HZ, Tai, period_ns
from relip.face.people import People
from relip.face.tracker import FaceTracker
from relip.graph.chain import Chain
from relip.graph.delay import Apart, Delay, delay_for
from relip.graph.ladder import Overload
from relip.graph.ramp import Ramp
from relip.graph.stages import (
    AlignStage,
    ArticulationStage,
    CompositeStage,
    FaceStage,
    Inbox,
    MouthStage,
    OcclusionStage,
    SpeechStage,
    Switch,
    VoiceTiming,
    voice_need_ns,
)
from relip.graph.tally import Tally
from relip.inference.onnx import OnnxModel
from relip.mouth.occlusion import Occlusion
from relip.mouth.own_pixels import OwnPixels
from relip.ports import Clock
from relip.service.compose import triton
from relip.service.compose.ends import host_device
from relip.service.compose.nets import Nets
from relip.service.compose.presenters import presenters
from relip.service.compose.warm import warm_up
from relip.speech.listener import Listener
from relip.weights import cache, shipped


def load_articulation(models: Models, look_ahead_ms: int) -> ArticulationNet:
    """The net that looks so far ahead, unless the operator names another."""
    path = models.articulation or shipped.locate(shipped.ARTICULATIONS[look_ahead_ms])
    return ArticulationNet(OnnxModel(path, threads=models.threads, provider=models.provider))


def load_nets(models: Models, look_ahead_ms: int, rate: Fraction | None = None) -> Nets:
    """Load the face nets from the cache, and the articulation net; or ask a Triton server for all of them.

    `rate`: frames a second of a live picture, which bound how long a server may take; None for files, which can wait.
    ResourceError says how to build what is missing.
    """
    if models.backend == "triton":
        return triton.load(models, models.articulation or shipped.locate(shipped.ARTICULATIONS[look_ahead_ms]), rate)
    folder = models.cache or cache.directory()
    detector, mesh = (
        OnnxModel(path, threads=models.threads, provider=models.provider)
        for path in (
            cache.locate(cache.FACE_DETECTOR, folder),
            cache.locate(cache.FACE_MESH, folder),
        )
    )
    return Nets(detector=detector, mesh=mesh, articulation=load_articulation(models, look_ahead_ms))


def delay_of(
    lip_sync: LipSync, net: ArticulationNet, rate: Fraction, frames: int | None = None, *, apart: Apart | None = None
) -> Delay:
    """How long grains wait for their voice; `frames` is the operator's own latency. FormatError when that is too short.

    `apart`: by how much the legs of picture and voice may be.
    """
    early_ns = max(0, round(-lip_sync.offset_ms * 1_000_000))  # a voice that is laid earlier is needed for longer
    return delay_for(rate, voice_need_ns(net, rate) + early_ns, frames, apart=apart)


def chain(lip_sync: LipSync, nets: Nets, format: VideoFormat, *, delay: Delay, clock: Clock) -> Chain:  # noqa: A002
    """Every stage from face to composite for one flow, warm. `clock` tells when a grain is too late to be worked on."""
    device = host_device()
    inbox, switch, tally, overload = Inbox(), Switch(bypass=lip_sync.bypass), Tally(), Overload()
    timing = VoiceTiming(
        offset_samples=round(lip_sync.offset_ms * AUDIO_CLOCK_HZ / 1000),
        absent_samples=None if lip_sync.on_voice_gone == "rest" else lip_sync.voice_gone_ms * AUDIO_CLOCK_HZ // 1000,
    )
    tracker = FaceTracker(
        detector=nets.detector, mesh=nets.mesh, device=device, format=format, head_speed=lip_sync.head_movement_speed
    )
    speaker = Speaker(
        SpeakerSettings(
            amplitude=lip_sync.amplitude,
            max_open=lip_sync.max_open,
            smoothing_ms=lip_sync.smoothing_ms,
            frame_ns=period_ns(format.rate),
            scale=nets.articulation.scale,
        )
    )
    known = presenters(lip_sync, format)
    renderer = OwnPixels(device=device, format=format, enrolled={k: one.memory for k, one in enumerate(known)})
    observations = {k: one.observations for k, one in enumerate(known)}
    warm_up(tracker=tracker, mesh=nets.mesh, articulation=nets.articulation, renderer=renderer, device=device, format=format)
    stages = (
        FaceStage(tracker, tally, clock),
        OcclusionStage(Occlusion()),
        AlignStage(
            switch, clock, delay.ahead, people=People([one.person for one in known], counts=tally.people), overload=overload
        ),
        SpeechStage(Listener(), inbox, nets.articulation, timing),
        ArticulationStage(nets.articulation, speaker, observations),
        MouthStage(renderer, Ramp(format.rate)),
        CompositeStage(device),
    )
    return Chain(format=format, delay=delay, stages=stages, inbox=inbox, switch=switch, tally=tally, overload=overload)


def chain_for_files(lip_sync: LipSync, nets: Nets, format: VideoFormat) -> Chain:  # noqa: A002
    """The same for a recording, where nothing is ever late; see `offline.dubbing`."""
    return chain(lip_sync, nets, format, delay=delay_of(lip_sync, nets.articulation, format.rate), clock=ManualClock(Tai(0)))
