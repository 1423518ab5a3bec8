"""Presenters who were enrolled, made into what the engines start from; and the engines that enrol them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from relip.articulation.speaker import Observations, Speaker, SpeakerSettings
from relip.config import LipSync
from relip.essence.errors import FormatError
from relip.essence.formats import VideoFormat
from relip.essence.tai import period_ns
from relip.face.people import Person
from relip.face.tracker import FaceTracker
from relip.inference.onnx import OnnxModel
from relip.mouth.keeping import memory_of
from relip.mouth.memory import Memory, OwnPixelsSettings
from relip.mouth.own_pixels import OwnPixels
from relip.offline import enrolment
from relip.offline.container import SourceReader, VideoReader
from relip.offline.enrolling import Enrolling
from relip.service.compose.ends import host_device
from relip.weights import cache


@dataclass(frozen=True, slots=True)
class Presenter:
    """One enrolled person: how they look, what their mouth looks like, how far they open it."""

    person: Person
    memory: Memory
    observations: Observations


def presenters(lip_sync: LipSync, format: VideoFormat) -> list[Presenter]:  # noqa: A002  the essence's own word
    """Those the configuration names, for a raster. FormatError and ResourceError name the file that is of no use."""
    return [_presenter(path, format) for path in lip_sync.enrolments]


def _presenter(path: Path, format: VideoFormat) -> Presenter:  # noqa: A002
    stored = enrolment.read(path)
    try:
        memory = memory_of(stored.mouths, OwnPixelsSettings(), scale=format.height / stored.raster[1])
    except FormatError as cause:
        width, height = stored.raster
        raise FormatError(
            f"{path} was made at {width}x{height}, the picture is {format.width}x{format.height}: {cause}"
        ) from cause
    return Presenter(person=Person(list(stored.features)), memory=memory, observations=stored.observations)


def enrolling(format: VideoFormat, cache_dir: Path | None) -> Enrolling:  # noqa: A002
    """Engines that learn somebody at a raster. ResourceError says how to build nets that are missing."""
    device, folder = host_device(), cache_dir or cache.directory()
    detector, mesh = (OnnxModel(cache.locate(name, folder)) for name in (cache.FACE_DETECTOR, cache.FACE_MESH))
    return Enrolling(
        tracker=FaceTracker(detector=detector, mesh=mesh, device=device, format=format),
        renderer=OwnPixels(device=device, format=format),
        speaker=Speaker(SpeakerSettings(frame_ns=period_ns(format.rate))),
        format=format,
    )


def own_format(path: Path) -> VideoFormat:
    """Raster and rate of a clip. ResourceError, FormatError: it cannot be read, or not be worked on."""
    with SourceReader(path, pack=host_device().pack) as reader:
        return reader.format


def clip_reader(path: Path, format: VideoFormat) -> VideoReader:  # noqa: A002
    """The frames of a clip at a raster. ResourceError, FormatError: it cannot be read."""
    return VideoReader(path, format=format, pack=host_device().pack)
