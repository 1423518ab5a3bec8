"""The service's configuration: YAML at the edge, essence values inside. Nothing below the doors sees these models.

Every field says its unit and why its default is what it is; `docs/reference/configuration.md` is generated from here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from relip.config.flows import AncillaryIn, DisclosureOut, FlowKeys, FlowOut, Place, Section, SoundOut, VideoIn, VoiceIn
from relip.essence.errors import FormatError, ResourceError


class Pacing(Section):
    """How the packets of a frame leave."""

    mode: Literal["auto", "hybrid", "spin", "spread", "burst", "kernel"] = Field(
        "auto",
        description="hybrid sends packet by packet as ST 2110-21 type W asks, which takes most of a CPU at 60 frames a second; "
        "spin takes a whole one and never sleeps; spread sends a group each millisecond for little CPU and is no type of "
        "sender; burst sends a frame at once; kernel leaves it to the interface's queueing discipline, once that is seen to "
        "pace; auto is hybrid, and spread on loopback, where nothing else needs it",
    )
    lead_packets: int | None = Field(
        None,
        ge=1,
        description="packets that leave before the first is read, with hybrid and spin; by default what the standard's offset "
        "has room for, 165 at 1080p; more outlasts longer stalls, and receivers read the picture later by as much (TROFF)",
    )


class Output(Section):
    """What leaves."""

    video: FlowOut = Field(description="the dubbed picture, ST 2110-20")
    disclosure: DisclosureOut | None = Field(
        None, description="ST 2110-40 flow that says of each frame whether it was altered, and where; off unless given"
    )
    ancillary: FlowOut | None = Field(
        None,
        description="ST 2110-40 flow of the ancillary data that came in, delayed to leave with its picture; without it, what "
        "comes in leaves in the disclosure flow",
    )
    voice: SoundOut | None = Field(
        None, description="ST 2110-30 flow of the voice that came in, delayed to leave with its picture; off unless given"
    )
    timestamps: Literal["preserve", "restamp"] = Field(
        "preserve",
        description="preserve keeps the input's RTP timestamps; restamp adds the latency, for receivers that play on arrival",
    )
    pacing: Pacing = Field(Pacing(), description="how the packets of a frame leave")
    overlay: bool = Field(
        False, description="draw the altered region and the state of each frame into the picture, for tests; never on air"
    )

    @property
    def flows(self) -> dict[str, FlowOut]:
        """The flows that leave, by key."""
        named = {"video": self.video, "disclosure": self.disclosure, "ancillary": self.ancillary, "voice": self.voice}
        return {name: flow for name, flow in named.items() if flow is not None}

    @model_validator(mode="after")
    def _one_pacer(self) -> Output:
        if self.video.transport == "rivermax" and self.pacing != Pacing():
            raise ValueError("leave out pacing: with transport rivermax the card paces the video")
        return self


class LipSync(Section):
    """How the mouth behaves."""

    bypass: bool = Field(
        False,
        description="send every frame on untouched, without nets and graph, but with the same latency unless one is given",
    )
    amplitude: float = Field(1.0, ge=0.3, le=2.0, description="factor on the mouth's opening; 1 is this speaker's own range")
    offset_ms: float = Field(
        0.0, ge=-80, le=200, description="voice later (+) or earlier (−) than its timestamps, milliseconds"
    )
    look_ahead_ms: Literal[40, 120, 200] = Field(
        120,
        description="how much of the voice after a frame the net hears, milliseconds; more is surer, less is a shorter latency",
    )
    smoothing_ms: int = Field(
        20, ge=0, le=200, description="time constant of the mouth's movement, milliseconds; more is calmer, 0 is none"
    )
    max_open: float = Field(
        0.22,
        gt=0,
        le=0.5,
        description="widest opening between the lips, of the distance between the eyes; few people open wider",
    )
    head_movement_speed: float = Field(
        0.0,
        ge=0,
        le=1,
        description="0 for a head that keeps still or moves slowly, 1 for a fast one: how closely it is followed",
    )
    voice_gone_ms: int = Field(
        300, ge=40, le=10_000, description="after this long without voice packets, milliseconds, the voice counts as gone"
    )
    on_voice_gone: Literal["bypass", "rest"] = Field(
        "bypass",
        description="bypass leaves the picture alone then, for the original may be heard meanwhile; rest keeps the lips closed",
    )
    enrolments: tuple[Path, ...] = Field(
        (), max_length=4, description="files that `relip enrol` wrote: who is recognised is dubbed from the first frame"
    )


class Latency(Section):
    """How long the service may take."""

    frames: int | None = Field(
        None,
        ge=1,
        le=60,
        description="constant latency in frames; by default the least that is safe, 5 at 25 fps; with bypass 1 will do",
    )


class ClockKeys(Section):
    """Where TAI comes from."""

    tai_offset: int = Field(
        37,
        ge=10,
        le=99,
        description="TAI − UTC in seconds, for a kernel that was not told it by PTP; 37 since 2017, until a leap second comes",
    )
    ts_refclk: str | None = Field(
        None,
        pattern=r"^(ptp|localmac)=\S+$",
        description="reference clock to name in transport files, such as ptp=IEEE1588-2008:39-A7-94-FF-FE-07-CB-D0:127; by "
        "default ptp traceable where the kernel's clock is steered and knows TAI, else localmac",
    )


class TritonTls(Section):
    """How the connection to Triton is secured; files in PEM."""

    root: Path | None = Field(None, description="certificates to trust; by default the system's")
    certificate: Path | None = Field(None, description="who the service is, for a server that asks")
    key: Path | None = Field(None, description="private key of `certificate`")

    @model_validator(mode="after")
    def _pair(self) -> TritonTls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        return self


class Triton(Section):
    """A Triton server that runs the nets."""

    url: str = Field(
        "127.0.0.1:8001",
        pattern=r"^[^/\s]+:\d+$",
        json_schema_extra={"format": "endpoint"},
        description="ADDRESS:PORT; Triton's own ports are 8001 for grpc, 8000 for http",
    )
    protocol: Literal["grpc", "http"] = Field(
        "grpc", description="grpc keeps its time-out for a whole request, http for each read"
    )
    shared_memory: Literal["system", "cuda", "none"] = Field(
        "system",
        description="how tensors travel: system is quickest from CPU to CPU on one machine, none works across machines",
    )
    device: int = Field(0, ge=0, description="GPU of shared_memory: cuda")
    timeout_ms: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="longest wait for an answer, milliseconds, before a live frame leaves untouched; by default half a frame, "
        "so that the two requests of a frame fit into its period",
    )
    tls: TritonTls | None = Field(
        None, description="secure the connection; off unless given, as {} for the system's certificates"
    )


class Models(Section):
    """Where the nets lie, and what runs them."""

    backend: Literal["onnx", "triton"] = Field(
        "onnx", description="onnx runs the nets in the service, with nothing to set up; triton asks a server"
    )

    cache: Path | None = Field(None, description="folder of the face nets; by default where `relip models build` puts them")
    articulation: Path | None = Field(None, description="another articulation net; by default the one that ships with Relip")
    threads: int = Field(1, ge=1, le=64, description="threads a net may use; 1 is fastest on small machines")
    provider: Literal["cpu", "cuda", "tensorrt"] = Field(
        "cpu", description="what of onnxruntime runs the nets; cpu is enough for 1080p25, the others need onnxruntime-gpu"
    )
    triton: Triton = Field(Triton(), description="the server of backend: triton")


class Sockets(Section):
    """Kernel sockets."""

    receive_buffer: int = Field(
        33_554_432,
        ge=65_536,
        le=1 << 30,
        description="octets asked of the kernel for each receive buffer; 32 MiB holds six 1080p frames",
    )


class Config(Section):
    """`relip.yaml`."""

    name: str = Field("relip", min_length=1, description="name of the service, in SDP and logs")
    video: VideoIn = Field(description="the presenter's picture")
    voice: VoiceIn = Field(description="the translated voice")
    ancillary: AncillaryIn | None = Field(None, description="ancillary data that is sent on with its picture; off unless given")
    output: Output = Field(description="what leaves")
    lip_sync: LipSync = Field(LipSync(), description="how the mouth behaves")
    latency: Latency = Field(Latency(), description="how long the service may take")
    clock: ClockKeys = Field(ClockKeys(), description="where TAI comes from")
    models: Models = Field(Models(), description="where the nets lie, and what runs them")
    sockets: Sockets = Field(Sockets(), description="kernel sockets")
    report: Path | None = Field(None, description="where to write the JSON report when the service ends")

    @model_validator(mode="after")
    def _ancillary_both_ways(self) -> Config:
        out = self.output
        if self.ancillary is not None and out.ancillary is None and out.disclosure is None:
            raise ValueError("ancillary: give output.ancillary or output.disclosure, a flow to send it on in")
        if self.ancillary is None and out.ancillary is not None:
            raise ValueError("output.ancillary: give ancillary, the flow that is to be sent on")
        return self

    @model_validator(mode="after")
    def _each_in_its_place(self) -> Config:
        read = {"video": self.video, "voice": self.voice, "ancillary": self.ancillary}
        taken = {place: name for name, keys in read.items() if keys is not None for place in _taken_by(keys)}
        for name, out in self.output.flows.items():
            for place in _taken_by(out):
                if place in taken:
                    what = f"sdp={place}" if isinstance(place, Path) else "{}:{} on {}".format(*place)
                    raise ValueError(f"output.{name}: {what} is that of {taken[place]}")
                taken[place] = f"output.{name}"
        return self


class Settings(Section):
    """What of `relip.yaml` also applies to files."""

    lip_sync: LipSync = Field(LipSync(), description="how the mouth behaves")
    models: Models = Field(Models(), description="where the nets lie, and what runs them")


def _taken_by(keys: FlowKeys | FlowOut) -> list[Place | Path]:
    """What no other flow may have: its places, and its transport file."""
    return [*keys.places, *([] if keys.sdp is None else [keys.sdp])]


S = TypeVar("S", VideoIn, VoiceIn, AncillaryIn, FlowOut, SoundOut, DisclosureOut)
M = TypeVar("M", bound=Section)


def load(path: Path) -> Config:
    """Read and check a configuration; FormatError names the key, ResourceError the file. Relative paths are the file's."""
    return parse(_yaml(path), where=str(path), base=path.parent)


def parse(content: Any, *, where: str, base: Path = Path()) -> Config:  # noqa: ANN401  whatever YAML holds
    """Check a configuration that is already read; `RELIP_SECTION__KEY` of the environment goes before the file."""
    return _resolved(_checked(Config, _with_environment(content, where), where), base)


def settings(path: Path | None, lip_sync: dict[str, Any]) -> Settings:
    """What a configuration says of mouth and nets, whatever else is in it; without one the defaults.

    `lip_sync`: keys that go before it and before the environment. Raises as `load` does.
    """
    where, base, content = ("the settings", Path(), {}) if path is None else (str(path), path.parent, _yaml(path))
    merged = _with_environment(content, where)
    kept = {key: value for key, value in merged.items() if key in Settings.model_fields or key not in Config.model_fields}
    said = kept.get("lip_sync", {})
    kept["lip_sync"] = {**said, **lip_sync} if isinstance(said, dict) else said
    read = _checked(Settings, kept, where)
    return read.model_copy(update={"lip_sync": _lip_sync_from(base, read.lip_sync), "models": _models_from(base, read.models)})


def write(path: Path, config: Config) -> None:
    """Write a configuration as YAML, without the keys that say nothing. Raises ResourceError."""
    content = config.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    try:
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    except OSError as cause:
        raise ResourceError(f"{path}: {cause.strerror}") from cause


def _yaml(path: Path) -> Any:  # noqa: ANN401  whatever YAML holds
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as cause:
        raise ResourceError(f"{path}: {cause.strerror}") from cause
    except (yaml.YAMLError, UnicodeDecodeError) as cause:
        raise FormatError(f"{path} is not YAML: {cause}") from cause


def _checked(model: type[M], content: dict[str, Any], where: str) -> M:
    try:
        return model.model_validate(content)
    except ValidationError as cause:
        told = [(".".join(str(part) for part in error["loc"]), error["msg"]) for error in cause.errors()]
        lines = [f"  {key}: {message}" if key else f"  {message}" for key, message in told]
        raise FormatError("\n".join([f"{where}:", *lines])) from cause


def _with_environment(content: Any, where: str) -> dict[str, Any]:  # noqa: ANN401  whatever YAML holds
    if not isinstance(content, dict):
        raise FormatError(f"{where}: a configuration is a mapping of keys")
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in content.items()}
    for name, value in sorted(os.environ.items()):
        section, _, key = name.removeprefix("RELIP_").lower().partition("__")
        if name.startswith("RELIP_") and key:
            keys = merged.setdefault(section, {})
            if not isinstance(keys, dict):
                raise FormatError(f"{section}: {name} of the environment adds a key to it, but it is not a mapping of keys")
            keys[key] = _scalar(name, value)
    return merged


def _scalar(name: str, value: str) -> Any:  # noqa: ANN401  whatever YAML holds
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as cause:
        raise FormatError(f"{name}={value!r} of the environment is not YAML") from cause


def _resolved(config: Config, base: Path) -> Config:
    """The same with every relative path taken from `base`."""
    output = config.output
    out = {
        "video": _with_path(output.video, base),
        "disclosure": output.disclosure and _with_path(output.disclosure, base),
        "ancillary": output.ancillary and _with_path(output.ancillary, base),
        "voice": output.voice and _with_path(output.voice, base),
    }
    return config.model_copy(
        update={
            "video": _with_path(config.video, base),
            "voice": _with_path(config.voice, base),
            "ancillary": config.ancillary and _with_path(config.ancillary, base),
            "output": output.model_copy(update=out),
            "lip_sync": _lip_sync_from(base, config.lip_sync),
            "models": _models_from(base, config.models),
            "report": _from(base, config.report),
        }
    )


def _lip_sync_from(base: Path, lip_sync: LipSync) -> LipSync:
    return lip_sync.model_copy(update={"enrolments": tuple(base / path for path in lip_sync.enrolments)})


def _models_from(base: Path, models: Models) -> Models:
    paths = {"cache": _from(base, models.cache), "articulation": _from(base, models.articulation)}
    tls = models.triton.tls
    if tls is None:
        return models.model_copy(update=paths)
    files = {"root": _from(base, tls.root), "certificate": _from(base, tls.certificate), "key": _from(base, tls.key)}
    triton = models.triton.model_copy(update={"tls": tls.model_copy(update=files)})
    return models.model_copy(update={**paths, "triton": triton})


def _with_path(section: S, base: Path) -> S:
    return section.model_copy(update={"sdp": _from(base, section.sdp)})


def _from(base: Path, path: Path | None) -> Path | None:
    return None if path is None else base / path
