"""Media files for tests, made with PyAV alone: none of Relip's code writes them."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np


def flat(luma: int, cb: int = 128, cr: int = 128, *, width: int = 64, height: int = 48) -> np.ndarray:
    """One planar 4:2:0 frame of a single colour."""
    frame = np.full((height * 3 // 2, width), luma, np.uint8)
    chroma = frame[height:].reshape(-1)
    chroma[: chroma.size // 2] = cb
    chroma[chroma.size // 2 :] = cr
    return frame


def tone(seconds: float, hz: float = 440.0) -> np.ndarray:
    """A quiet sine at 48 kHz."""
    return (0.25 * np.sin(2 * np.pi * hz * np.arange(int(48000 * seconds)) / 48000)).astype(np.float32)


def noise(count, width=64, height=48, *, seed=1):
    """10-bit 4:2:2 planes of `count` frames: lists of (y, cb, cr), every code value that a wire may carry."""
    random = np.random.default_rng(seed)
    sizes = (width, width // 2, width // 2)
    return [tuple(random.integers(4, 1020, (height, w)).astype(np.uint16) for w in sizes) for _ in range(count)]


def frame_of(planes, layout="yuv422p10le"):
    """A frame with these planes, (y, cb, cr)."""
    frame = av.VideoFrame(planes[0].shape[1], planes[0].shape[0], layout)
    for plane, samples in zip(frame.planes, planes, strict=True):
        lines = np.frombuffer(plane, samples.dtype).reshape(-1, plane.line_size // samples.itemsize)
        lines[: samples.shape[0], : samples.shape[1]] = samples
    return frame


def write_picture(path, frames, *, codec="ffv1", rate=Fraction(25), layout="yuv422p10le", times=None, sound=None, **said):
    """A file of these frames (planes or PyAV's own); `times`: their milliseconds, `said`: attributes of the coder."""
    with av.open(str(path), "w") as container:
        options = said.pop("options", {})
        stream = container.add_stream(codec, rate=rate, options=options)
        first = frames[0] if isinstance(frames[0], av.VideoFrame) else frame_of(frames[0], layout)
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, layout
        for name, value in said.items():
            setattr(stream.codec_context, name, value)
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        track = None
        if sound is not None:
            track = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for k, given in enumerate(frames):
            frame = given if isinstance(given, av.VideoFrame) else frame_of(given, layout)
            frame.pts = k if times is None else times[k]
            frame.time_base = 1 / Fraction(rate) if times is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track is not None:
            _mux_sound(container, track, sound)
    return path


def write_sound(path, samples, *, codec="pcm_s16le", rate=48_000, layout="s16"):
    """A file of mono sound."""
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec, rate=rate, layout="mono")
        track.format = layout
        _mux_sound(container, track, samples)
    return path


def _mux_sound(container, track, samples):
    resampler = av.AudioResampler(format=track.format.name, layout="mono", rate=track.rate, frame_size=960)
    frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        container.mux(track.encode(part))
    container.mux(track.encode(None))


def planes_of(path):
    """Every frame's planes as they are stored, and how they lie."""
    with av.open(str(path)) as container:
        return [stored(frame) for frame in container.decode(video=0)]


def stored(frame):
    """The planes of one frame as they are stored."""
    deep = np.uint16 if "10" in frame.format.name else np.uint8
    lines = [np.frombuffer(plane, deep).reshape(-1, plane.line_size // np.dtype(deep).itemsize) for plane in frame.planes]
    return tuple(line[: plane.height, : plane.width].copy() for line, plane in zip(lines, frame.planes, strict=True))
