"""Speech with known phones, made on the spot by espeak-ng and flite where they are installed.

espeak-ng is asked through its library, which names each phone as it speaks it; flite prints them. Neither is part of Relip:
without either there is an error that says so.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ResourceError
from relip.essence.tai import AUDIO_CLOCK_HZ
from relip.evaluation.sidecars import QUIET, Label, Transcript
from relip.offline.container import read_voice

SENTENCES = (
    "The baker put a pound of butter by the pan, and nobody moved.",
    "Maybe some people prefer a simple map to a big number of signs.",
    "Put my blue umbrella behind the open door, please, before it rains.",
    "A warm summer morning brought many boats back to the harbour.",
    "Could you bring both maps, a pen and some paper to the meeting?",
    "Bob may not believe it, but the empty box was made of marble.",
)
"""Sentences of our own, rich in p, b and m."""
VOICES = ("flite:slt", "espeak:en-us+f3", "flite:rms", "espeak:en-gb-x-rp+m3", "flite:awb", "espeak:en-us+m7")
WORDS_A_MINUTE = 165


@dataclass(frozen=True, slots=True)
class Utterance:
    """`samples`: mono at 48 kHz. `voice`: who spoke, as in VOICES."""

    voice: str
    samples: NDArray[np.float32]
    transcript: Transcript


def utterances(count: int) -> Iterator[Utterance]:
    """So many sentences, voices in turn; the same for the same programs. Raises ResourceError when neither is installed."""
    flite, espeak = shutil.which("flite"), _library()
    usable = [voice for voice in VOICES if (flite if voice.startswith("flite") else espeak)]
    if not usable:
        raise ResourceError("--synthesise needs espeak-ng (with libespeak-ng1) or flite, and neither is installed")
    speaker = None if espeak is None else _Espeak(espeak)
    turns = zip(itertools.cycle(SENTENCES), itertools.cycle(usable), strict=False)
    for text, voice in itertools.islice(turns, count):
        kind, _, name = voice.partition(":")
        yield _flite(str(flite), text, name) if kind == "flite" or speaker is None else speaker.say(text, name)


def _library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
    except OSError:
        return None


def _flite(program: str, text: str, voice: str) -> Utterance:
    """`-psdur` prints each phone with the instant at which it ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "said.wav")
        command = [program, "-voice", voice, "-psdur", "-t", text, str(path)]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  no shell
        except (OSError, subprocess.CalledProcessError) as cause:
            raise ResourceError(f"flite cannot speak with the voice {voice}: {cause}") from cause
        samples = read_voice(path)
    ends = [(name, float(end)) for name, _, end in (word.rpartition(":") for word in answer.split())]
    starts = [0.0, *(end for _, end in ends)]
    return Utterance(f"flite:{voice}", samples, _transcript([name for name, _ in ends], starts))


def _transcript(names: list[str], edges: list[float]) -> Transcript:
    """Phones that follow each other: n names, n + 1 edges in seconds."""
    labels = (Label(name, a, b) for name, a, b in zip(names, edges[:-1], edges[1:], strict=True))
    return Transcript(phones=tuple(label for label in labels if label.name not in QUIET and label.end > label.start))


class _Id(ctypes.Union):
    _fields_: ClassVar = [  # type: ignore[mutable-override]
        ("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8),
    ]  # fmt: skip


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_: ClassVar = [  # type: ignore[mutable-override]
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", _Id),
    ]  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
_SYNCHRONOUS, _PHONEME_EVENTS, _IPA, _PHONEME, _END, _UTF8, _RATE = 2, 1, 2, 7, 0, 1, 1


class _Espeak:
    """The library keeps its state in globals: one in a process."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._hz = library.espeak_Initialize(_SYNCHRONOUS, 200, None, _PHONEME_EVENTS | _IPA)
        if self._hz <= 0:
            raise ResourceError("espeak-ng did not start: is espeak-ng-data installed?")
        self._pieces: list[NDArray[np.int16]] = []
        self._marks: list[tuple[str, float]] = []
        self._callback = _CALLBACK(self._hear)  # kept: the library calls it as long as it speaks
        library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: str) -> Utterance:
        """One sentence. Raises ResourceError when the voice is not installed."""
        self._pieces.clear()
        self._marks.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ResourceError(f"espeak-ng has no voice {voice}")
        self._library.espeak_SetParameter(_RATE, WORDS_A_MINUTE, 0)
        octets = text.encode() + b"\0"
        self._library.espeak_Synth(octets, len(octets), 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        sound = np.concatenate([np.zeros(1, np.int16), *self._pieces]).astype(np.float32) / np.float32(32768)
        edges = [*(at for _, at in self._marks), sound.size / self._hz]
        return Utterance(f"espeak:{voice}", _at_48k(sound, self._hz), _transcript([name for name, _ in self._marks], edges))

    def _hear(self, wave: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        if count > 0:
            self._pieces.append(np.ctypeslib.as_array(wave, shape=(count,)).astype(np.int16))
        at = 0
        while events[at].type != _END:
            if events[at].type == _PHONEME:
                self._marks.append((events[at].id.string.decode("utf-8", "ignore"), events[at].audio_position / 1000.0))
            at += 1
        return 0


def _at_48k(sound: NDArray[np.float32], hz: int) -> NDArray[np.float32]:
    """Resampled in the spectrum: the sound is short, and begins and ends in silence."""
    count = round(sound.size * AUDIO_CLOCK_HZ / hz)
    spectrum = np.fft.rfft(sound)
    return np.asarray(np.fft.irfft(spectrum, count) * (count / sound.size), np.float32)
