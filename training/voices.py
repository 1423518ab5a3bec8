"""Voices that say when they speak each phone: espeak-ng through its library's callback, flite through its command.

Both give 16 kHz mono in −1..1 and the phones with their times. Only the sound trains the net; neither program is part of
Relip.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import subprocess
import tempfile
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import ClassVar

import numpy as np
from coarticulation import Phone
from numpy.typing import NDArray
from phones import Pose, poses_of_arpabet, poses_of_ipa
from scipy.io import wavfile
from scipy.signal import resample_poly

RATE = 16_000
LANGUAGES = (
    *(("en", "en-us", "en-gb-x-rp", "en-gb-scotland", "en-029") * 3),
    *(("de", "fr", "es", "it", "pt", "pt-br", "nl") * 2),
    "sv", "nb", "da", "fi", "pl", "cs", "sk", "hu", "ro", "hr", "sl", "tr", "id", "ms", "sw", "et", "lv", "lt", "eu", "ca",
    "cy", "ga", "af", "sq", "is", "es-419", "bs", "eo", "la", "mt", "az", "vi", "ht",
)  # fmt: skip
ENGLISH = frozenset({"en", "en-us", "en-gb-x-rp", "en-gb-scotland", "en-029"})
VARIANTS = tuple(
    "Alex Alicia Andrea Andy Annie Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike Nguyen adam "  # noqa: SIM905 - names of one kind
    "anika aunty belinda benjamin boris caleb david ed edward edward2 f1 f2 f3 f4 f5 grandma grandpa iven iven2 iven3 iven4 "
    "john kaukovalta linda m1 m2 m3 m4 m5 m6 m7 m8 marcelo max michel miguel norbert pablo paul pedro quincy rob robert "
    "sandro shelby steph steph2 steph3 travis victor zac klatt klatt2 klatt4".split()
)
FLITE_VOICES = ("slt", "rms", "awb", "slt", "rms", "awb", "kal16")


@dataclass(frozen=True, slots=True)
class Utterance:
    """`samples`: (n,) float32 at 16 kHz. `phones` in order, with times in seconds. `voice` names who spoke."""

    samples: NDArray[np.float32]
    phones: list[Phone]
    voice: str


class _Id(ctypes.Union):
    _fields_: ClassVar = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", _Id),
    ]  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
_SYNCHRONOUS, _PHONEME_EVENTS, _IPA, _PHONEME, _END, _UTF8 = 2, 1, 2, 7, 0, 1
_SPEED, _PITCH, _RANGE = 1, 3, 4


class Espeak:
    """libespeak-ng. One in a process: the library keeps its state in globals."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
        self._rate = self._library.espeak_Initialize(_SYNCHRONOUS, 200, None, _PHONEME_EVENTS | _IPA)
        if self._rate <= 0:
            raise RuntimeError("espeak-ng did not start: install libespeak-ng1 and espeak-ng-data")
        self._pieces: list[NDArray[np.int16]] = []
        self._marks: list[tuple[float, str]] = []
        self._callback = _CALLBACK(self._hear)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, *, voice: str, rate: int, pitch: int, span: int, shift: float) -> Utterance | None:
        """One utterance; None when there is nothing to hear. RuntimeError when the voice is not installed.

        `rate` in words a minute, `pitch` and `span` 0..100; `shift` as for `flite`.
        """
        self._pieces.clear()
        self._marks.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {voice}")
        for parameter, value in ((_SPEED, rate), (_PITCH, pitch), (_RANGE, span)):
            self._library.espeak_SetParameter(parameter, value, 0)
        octets = text.encode() + b"\0"
        self._library.espeak_Synth(octets, len(octets), 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        if not self._pieces:
            return None
        samples = np.concatenate(self._pieces) / np.float32(32768.0)
        played = _played(self._rate, shift)
        marks = [(at * self._rate / played, name) for at, name in self._marks]
        ends = [at for at, _ in marks[1:]] + [samples.size / played]
        spans = zip(marks, ends, strict=True)
        phones = [phone for (at, name), end in spans for phone in _spread(poses_of_ipa(name), at, end)]
        return Utterance(_to_16k(samples, played), phones, f"espeak:{voice}")

    def _hear(self, wave: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        if wave and count > 0:
            self._pieces.append(np.ctypeslib.as_array(wave, shape=(count,)).astype(np.int16))
        at = 0
        while events[at].type != _END:
            if events[at].type == _PHONEME:
                name = events[at].id.string.decode("utf-8", "ignore")
                self._marks.append((events[at].audio_position / 1000.0, name))
            at += 1
        return 0


def flite(text: str, *, voice: str, stretch: float, shift: float) -> Utterance:
    """One utterance of a voice made from a person's recordings.

    `stretch` slows it down; `shift` replays it faster or slower, which moves pitch and formants as another head would.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.wav")
        command = ["flite", "-voice", voice, "-psdur", "--setf", f"duration_stretch={stretch:.3f}", "-t", text, str(path)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rate, wave = wavfile.read(path)
    played = _played(rate, shift)
    phones, start = [], 0.0
    for word in answer.split():
        name, _, end = word.rpartition(":")
        phones += _spread(poses_of_arpabet(name), start * rate / played, float(end) * rate / played)
        start = float(end)
    return Utterance(_to_16k(wave / np.float32(32768.0), played), phones, f"flite:{voice}")


def _spread(poses: list[Pose], start: float, end: float) -> list[Phone]:
    step = (end - start) / max(1, len(poses))
    return [Phone(pose, start + i * step, start + (i + 1) * step) for i, pose in enumerate(poses)]


def _played(rate: int, shift: float) -> int:
    """The rate at which a recording is taken to have been made: a multiple of 100 Hz."""
    return round(rate * shift / 100) * 100


def _to_16k(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    common = gcd(RATE, rate)
    return resample_poly(samples, RATE // common, rate // common).astype(np.float32)
