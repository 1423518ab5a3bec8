"""What is asked of PyAV: the streams of a file as frames and samples, and a new file made of such.

The one file that imports it. Frames stay PyAV's own until somebody asks for their samples.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import FormatError, ResourceError
from relip.essence.grains import Planes
from relip.essence.tai import AUDIO_CLOCK_HZ
from relip.offline.delivery import Delivery, PictureCoding, SoundCoding
from relip.offline.footage import FULL, HD_ROWS, Colour, Footage, likely_rate

Frame = Any
"""A decoded frame; PyAV is imported lazily, and type checkers are told to skip it."""
WORK = "yuv422p10le"
BT709 = 1
"""Code point of the matrix (ITU-T H.273 table 4) to which R'G'B' is brought."""
SOUND_FRAME = 1024
"""Samples handed to an encoder that takes any number."""
L24_STEPS = 1 << 23


class Input:
    """A file that is read. Raises ResourceError when it cannot be opened, with the reason."""

    def __init__(self, path: Path) -> None:
        av = library()
        try:
            self._container = av.open(str(path))
        except (av.error.FFmpegError, OSError) as cause:
            raise ResourceError(f"{path}: cannot be read: {_reason(cause)}") from cause
        self._path = path
        self.broken = 0
        """Packets that could not be decoded."""

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._container.close()

    @property
    def footage(self) -> Footage:
        """What the file says of its first picture. Raises FormatError when it has none."""
        stream, context = self._picture, self._picture.codec_context
        colour = Colour(
            range=FULL if context.color_range == FULL or (context.pix_fmt or "").startswith("yuvj") else context.color_range,
            matrix=BT709 if context.format.is_rgb or context.format.has_palette else context.colorspace,
            primaries=context.color_primaries,
            transfer=context.color_trc,
        )
        return Footage(
            width=context.width,
            height=context.height,
            rate=likely_rate(*(Fraction(said or 0) for said in (stream.guessed_rate, stream.average_rate))),
            layout=context.pix_fmt or "unknown",
            colour=colour,
            aspect=Fraction(stream.sample_aspect_ratio or 1),
            frames=stream.frames or None,
            seconds=self._seconds(stream),
            timecode=_timecode(stream.metadata) or _timecode(self._container.metadata),
        )

    @property
    def _picture(self) -> Any:  # noqa: ANN401  PyAV's own
        if not self._container.streams.video:
            raise FormatError(f"{self._path}: no video stream in this file")
        return self._container.streams.video[0]

    @property
    def sound_channels(self) -> int:
        """Channels of the first sound; 0 when there is none."""
        streams = self._container.streams.audio
        return int(streams[0].codec_context.channels) if streams else 0

    def frames(self) -> Iterator[tuple[Frame, Fraction]]:
        """Every decodable frame with its seconds since the first, and the last once more when its time is over."""
        stream = self._picture
        stream.thread_type = "AUTO"
        step = 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)
        start: Fraction | None = None
        frame, due = None, Fraction(0)
        for frame in self._decoded(stream):
            at = due if frame.pts is None else frame.pts * Fraction(frame.time_base)
            start = at if start is None else start
            yield frame, at - start
            due = at + step
        if start is not None:
            yield frame, due - start

    def sound(self, layout: str | None = None) -> Iterator[tuple[NDArray[np.float32], Fraction]]:
        """The first sound at 48 kHz, (channels, n) each, and the second at which the first sample was meant to be heard.

        `layout`: as `mono`; the file's own without one.
        """
        if not self._container.streams.audio:
            raise FormatError(f"{self._path}: no audio stream in this file")
        stream = self._container.streams.audio[0]
        layout = layout or stream.layout.name
        resampler = library().AudioResampler(format="flt", layout=layout, rate=AUDIO_CLOCK_HZ)
        start: Fraction | None = None
        for frame in self._decoded(stream):
            if start is None:
                start = Fraction(0) if frame.pts is None else frame.pts * Fraction(frame.time_base)
            for out in resampler.resample(frame):
                yield _channels_of(out), start
        if start is not None:
            for out in resampler.resample(None):
                yield _channels_of(out), start

    @property
    def picture_start(self) -> Fraction:
        """The second at which the file's first frame was meant to be seen, on the same time line as its sound."""
        return Fraction((self._picture.start_time or 0) * Fraction(self._picture.time_base))

    def _seconds(self, stream: Any) -> Fraction | None:  # noqa: ANN401  PyAV's own
        if stream.duration is not None:
            return Fraction(stream.duration * Fraction(stream.time_base))
        return None if self._container.duration is None else Fraction(self._container.duration, 1_000_000)

    def _decoded(self, stream: Any) -> Iterator[Any]:  # noqa: ANN401  PyAV's own
        """What can be decoded of a stream; a broken packet costs itself, a broken end is an end."""
        av = library()
        with contextlib.suppress(av.error.InvalidDataError):
            for packet in self._container.demux(stream):
                try:
                    frames = packet.decode()
                except av.error.InvalidDataError:
                    self.broken += 1
                    continue
                yield from frames


def quarters_of(frame: Frame) -> int:
    """By how many quarters of a circle, counterclockwise, a frame must be turned to stand upright."""
    quarters: int = round(frame.rotation / 90) % 4
    return quarters


def is_interlaced(frame: Frame) -> bool:
    """Whether a frame is two fields of different instants, or says so."""
    return bool(frame.interlaced_frame)


def samples_of(frame: Frame, quarters: int) -> tuple[NDArray[np.uint16], ...]:
    """A frame's samples in its own size and colour: y (h, w), cb and cr (h, w/2), 10-bit narrow range, upright.

    Those of a 10-bit 4:2:2 frame are taken as they are. Views; valid as long as the frame.
    """
    reformatter = library().video.reformatter
    if frame.format.name != WORK or frame.color_range == FULL or quarters:
        matrix = reformatter.Colorspace.ITU709
        frame = frame.reformat(
            format="yuv444p10le" if quarters else WORK,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            dst_color_range=reformatter.ColorRange.MPEG,
            interpolation=reformatter.Interpolation.BICUBIC,
            threads=1,
        )
    return _turned(frame, quarters) if quarters else _planes_of(frame)


def samples_in_bt709(frame: Frame, width: int, height: int, quarters: int) -> tuple[NDArray[np.uint16], ...]:
    """The same at another size (of the upright picture), its colours in BT.709."""
    size = (height, width) if quarters % 2 else (width, height)
    shown = _to_bt709(frame, *size, layout="yuv444p10le" if quarters else WORK)
    return _turned(shown, quarters) if quarters else _planes_of(shown)


class Output:
    """A file that is written, stream by stream. Raises ResourceError when that fails.

    Streams are added first; then pictures and sound go in, in step, so that the muxer never has to hold much of either.
    """

    def __init__(self, path: Path, made: Delivery, *, metadata: dict[str, str]) -> None:
        with _refusals(path):
            self._container = library().open(str(path), "w", format=made.container, options=made.options)
        self._container.metadata.update(metadata)
        self._path = path
        self._picture: Any = None
        self._sounds: list[_Sound] = []
        self._frames = 0

    def add_picture(self, coding: PictureCoding, footage: Footage) -> str:
        """The stream of the picture; returns the encoder. ResourceError: this build of PyAV has none for it."""
        av = library()
        encoder = next((name for name in coding.encoders if name in av.codecs_available), None)
        if encoder is None:
            raise ResourceError(f"this build of PyAV encodes no such picture; looked for {', '.join(coding.encoders)}")
        options = coding.encoders[encoder]
        stream = self._container.add_stream(encoder, rate=footage.rate, options=options)
        stream.width, stream.height, stream.pix_fmt = footage.width, footage.height, coding.layout
        if coding.bit_rate is not None and not options:
            stream.bit_rate = coding.bit_rate
        context, colour = stream.codec_context, footage.colour
        context.time_base = 1 / footage.rate
        context.color_range, context.colorspace = colour.range, colour.matrix
        context.color_primaries, context.color_trc = colour.primaries, colour.transfer
        context.sample_aspect_ratio = footage.aspect
        context.thread_type = "AUTO"
        if footage.timecode is not None:
            stream.metadata["timecode"] = footage.timecode
        self._picture = stream
        return encoder

    def add_sound(self, coding: SoundCoding, *, channels: int, title: str) -> None:
        """One more stream of sound at 48 kHz."""
        layout = _LAYOUTS.get(channels, f"{channels} channels")
        stream = self._container.add_stream(coding.encoder, rate=AUDIO_CLOCK_HZ, layout=layout)
        stream.format = coding.layout
        if coding.bit_rate is not None:
            stream.bit_rate = coding.bit_rate * channels
        stream.metadata["title"] = title
        self._sounds.append(_Sound(stream, coding.layout, channels))

    def put_planes(self, planes: Planes) -> None:
        """The next frame, 10-bit 4:2:2."""
        height, width = planes.y.shape
        frame = library().VideoFrame(width, height, WORK)
        for plane, samples in zip(frame.planes, (planes.y, planes.cb, planes.cr), strict=True):
            lines = np.frombuffer(plane, np.uint16).reshape(-1, plane.line_size // 2)
            lines[: samples.shape[0], : samples.shape[1]] = samples
        if self._picture.pix_fmt != WORK:
            frame = frame.reformat(format=self._picture.pix_fmt, threads=1)
        self._put(frame)

    def put_octets(self, octets: NDArray[np.uint8]) -> None:
        """The next frame, planar 8-bit 4:2:0, (height·3/2, width)."""
        self._put(library().VideoFrame.from_ndarray(np.ascontiguousarray(octets), format="yuv420p"))

    def put_sound(self, track: int, samples: NDArray[np.float32]) -> None:
        """The next samples (channels, n) of a track, in the order in which tracks were added."""
        with _refusals(self._path):
            for packet in self._sounds[track].encoded(samples):
                self._container.mux(packet)

    def finish(self) -> None:
        """Write what the encoders still hold, and close."""
        with _refusals(self._path):
            for sound in self._sounds:
                for packet in sound.rest():
                    self._container.mux(packet)
            self._container.mux(self._picture.encode(None))
            self._container.close()

    def abandon(self) -> None:
        """Close whatever state it is in; what was written is of no use."""
        with contextlib.suppress(library().error.FFmpegError, OSError, ValueError):
            self._container.close()

    def _put(self, frame: Frame) -> None:
        context = self._picture.codec_context
        frame.pts, frame.time_base = self._frames, context.time_base
        frame.color_range, frame.colorspace = context.color_range, context.colorspace
        frame.color_primaries, frame.color_trc = context.color_primaries, context.color_trc  # ProRes writes the frame's own
        self._frames += 1
        with _refusals(self._path):
            self._container.mux(self._picture.encode(frame))


class _Sound:
    """Cuts samples into the frames that an encoder wants."""

    def __init__(self, stream: Any, layout: str, channels: int) -> None:  # noqa: ANN401  PyAV's own
        self._stream = stream
        self._layout = layout
        self._channels = channels
        self._pending = np.zeros((channels, 0), np.float32)
        self._heard = 0

    def encoded(self, samples: NDArray[np.float32]) -> Iterator[Any]:
        """Packets of all whole frames there are with these samples."""
        self._stream.codec_context.open(strict=False)
        size = self._stream.codec_context.frame_size or SOUND_FRAME
        self._pending = np.concatenate([self._pending, samples], axis=1)
        while self._pending.shape[1] >= size:
            yield self._stream.encode(self._next(size))

    def rest(self) -> Iterator[Any]:
        """Packets of what is left."""
        if self._pending.shape[1]:
            yield self._stream.encode(self._next(self._pending.shape[1]))
        yield self._stream.encode(None)

    def _next(self, size: int) -> Any:  # noqa: ANN401  PyAV's own
        samples, self._pending = self._pending[:, :size], self._pending[:, size:]
        if self._layout == "s32":
            codes = np.clip(np.rint(samples * np.float32(L24_STEPS)), -L24_STEPS, L24_STEPS - 1).astype(np.int32)
            samples = (codes << 8).T.reshape(1, -1)
        layout = _LAYOUTS.get(self._channels, f"{self._channels} channels")
        frame = library().AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=self._layout, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_CLOCK_HZ, self._heard, Fraction(1, AUDIO_CLOCK_HZ)
        self._heard += size
        return frame


_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def library() -> Any:  # noqa: ANN401  a module that type checkers are told to skip
    """PyAV, imported when a file is touched for the first time. Raises ResourceError naming the extra."""
    try:
        import av  # noqa: PLC0415  an extra, imported only where it is used
        import av.error  # noqa: PLC0415
    except ImportError as cause:
        raise ResourceError("media files need PyAV: install relip[media]") from cause
    return av


@contextlib.contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """What FFmpeg or the disk refuses, told as what it means."""
    try:
        yield
    except (library().error.FFmpegError, OSError) as cause:
        raise ResourceError(f"{path}: cannot be written: {_reason(cause)}") from cause


def _reason(cause: BaseException) -> str:
    return cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)


def _timecode(metadata: dict[str, str]) -> str | None:
    """The timecode among what a file says of itself: Matroska spells its tags in capitals."""
    return next((value for key, value in metadata.items() if key.lower() == "timecode"), None)


def _to_bt709(frame: Frame, width: int, height: int, *, layout: str) -> Frame:
    """The frame in BT.709 narrow range, 10 bit, at another size."""
    reformatter = library().video.reformatter
    unsaid = frame.colorspace in (0, 2)
    matrix = reformatter.Colorspace.ITU709 if frame.height >= HD_ROWS else reformatter.Colorspace.ITU601
    return frame.reformat(
        width=width,
        height=height,
        format=layout,
        src_colorspace=matrix if unsaid else None,
        dst_colorspace=reformatter.Colorspace.ITU709,
        dst_color_range=reformatter.ColorRange.MPEG,
        interpolation=reformatter.Interpolation.BICUBIC,
        threads=1,
    )


def _turned(frame: Frame, quarters: int) -> tuple[NDArray[np.uint16], ...]:
    """The planes of a 4:4:4 frame turned counterclockwise, chroma halved afterwards."""
    y, cb, cr = (np.rot90(plane, quarters) for plane in _planes_of(frame))
    return y, *((plane[:, ::2] + plane[:, 1::2] + 1) // 2 for plane in (cb, cr))


def _channels_of(frame: Any) -> NDArray[np.float32]:  # noqa: ANN401  PyAV's own
    """Interleaved samples as (channels, n); PyAV's planes of eight channels are not to be touched."""
    samples: NDArray[np.float32] = frame.to_ndarray().reshape(-1, len(frame.layout.channels)).T
    return samples


def _planes_of(frame: Frame) -> tuple[NDArray[np.uint16], ...]:
    """Views of a 16-bit planar frame's planes without the padding of their lines."""
    return tuple(
        np.frombuffer(plane, np.uint16).reshape(-1, plane.line_size // 2)[: frame.height, : plane.width]
        for plane in frame.planes
    )
