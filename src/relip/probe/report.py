"""What `relip probe` found out about flows: one report, a published shape.

Every field says its unit; the reference page is written from these models. Null: not to be told from what came.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["video", "audio", "ancillary", "unknown"]


class Part(BaseModel):
    """What all parts share: no unknown keys, no change after the fact."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Spread(Part):
    """How a figure is distributed, in the unit that the key of the figure names."""

    min: float = Field(description="least")
    mean: float = Field(description="mean")
    p50: float = Field(description="median")
    p99: float = Field(description="99th percentile")
    max: float = Field(description="greatest")


class Counts(Part):
    """RTP packets of one leg, by their sequence numbers."""

    received: int = Field(description="packets, each counted once")
    lost: int = Field(description="numbers between the first and the last that never came")
    duplicate: int = Field(description="packets that came again")
    reordered: int = Field(description="packets that came behind a later one")
    restarts: int = Field(description="times that the sender began anew: another SSRC, or a leap of the numbers")
    malformed: int = Field(description="datagrams that break RTP or the payload's own header")
    other_type: int = Field(description="RTP packets of another payload type, which are not looked at")
    other_sender: int = Field(description="packets of another SSRC among those of the main one: two senders to one address")
    first_lost: list[int] = Field(description="sequence numbers lost, the first ten")


class Stamps(Part):
    """When packets came, as the machine that took them from the network says; how far that can be trusted."""

    source: str = Field(description="who made the stamps")
    resolution_ns: int = Field(description="least step of a stamp, ns")
    shared: float = Field(description="share of packets with the stamp of the packet before, 0 to 1")
    missing: int = Field(description="packets without a stamp, which are left out of all that is timed")
    dropped_here: int = Field(description="packets that this machine, or the one that captured, lost by itself")
    cut: int = Field(description="packets that the capture holds only in part; not looked at")


class TypeLimits(Part):
    """What ST 2110-21 allows a sender type at this format, and how many frames kept it."""

    c_max: int = Field(description="most packets in the network's bucket")
    vrx_full: int = Field(description="most packets in the receiver's buffer")
    allowed: bool = Field(description="whether a flow of so many packets may be of this type")
    frames: int = Field(description="complete frames that kept every limit")
    share: float | None = Field(description="of the complete frames, 0 to 1")


class Cinst(Part):
    """The network model of ST 2110-21."""

    max: int = Field(description="most packets in the bucket")
    mean: float = Field(description="mean over the packets")
    histogram: dict[str, int] = Field(description="packets by the fill they found; from 100 on by powers of two: `128-255`")


class Vrx(Part):
    """The receiver model of ST 2110-21: packets in the buffer; below 0 they came too late."""

    min: int = Field(description="least, over complete frames")
    max: int = Field(description="greatest, over complete frames")


class Frames(Part):
    """Frames by RTP timestamp, without the first and the last, which are seen in part."""

    seen: int = Field(description="frames of which a packet came")
    complete: int = Field(description="frames of which every packet came")
    incomplete: int = Field(description="frames of which some did not")
    absent: int = Field(description="frames between the first and the last of which nothing came")
    without_marker: int = Field(description="complete frames whose last packet has no marker")
    stray_marker: int = Field(description="frames with a marker that is not on their last packet")


class VideoFigures(Part):
    """ST 2110-20, timed by ST 2110-21."""

    packets_per_frame: int = Field(description="of most frames")
    packets_per_s: float = Field(description="packets a second at the nominal rate")
    packing: str = Field(description="2110GPM or 2110BPM, by what the packets look like")
    srd_per_packet: int = Field(description="most SRD headers in a packet")
    data_octets: int = Field(description="sample octets of most packets")
    frames: Frames = Field(description="what came of them")
    reference: Literal["tai", "flow"] = Field(
        description="what VRX is measured against: TAI, or the flow's own beat, as if its earliest frame were on time"
    )
    cinst: Cinst | None = Field(description="null without stamps")
    vrx_gapped: Vrx | None = Field(description="by the gapped schedule, which type N is read by")
    vrx_linear: Vrx | None = Field(description="by the linear schedule, which types NL and W are read by")
    types: dict[str, TypeLimits] = Field(description="by 2110TPN, 2110TPNL, 2110TPW")
    met: list[str] = Field(description="the types that every complete frame kept")
    first_packet_us: Spread | None = Field(
        description="from the beginning of the frame period, k·T, to the first packet, µs; null against the flow's own beat"
    )
    rtp_offset_ticks: Spread | None = Field(
        description="RTP timestamp less the tick of the frame period it was sent in, 90 kHz; null likewise"
    )
    rtp_age_us: Spread | None = Field(description="from the instant of the RTP timestamp to the first packet, µs")
    rtp_step_ticks: Spread | None = Field(description="from one frame's RTP timestamp to the next, 90 kHz")


class DelayFactor(Part):
    """TS-DF of EBU Tech 3337: how far the delay of packets against their timestamps spreads within a second."""

    max_us: float = Field(description="greatest of all seconds, µs")
    mean_us: float = Field(description="mean of all seconds, µs")
    narrow_us: float = Field(description="one packet time: what a good sender keeps, µs")
    wide_us: float = Field(description="17 packet times: what AES67 allows a sender, µs")
    verdict: Literal["narrow", "wide", "beyond"] = Field(description="which of the two the greatest keeps")


class Level(Part):
    """One channel's level over the whole time; null is digital silence."""

    peak_dbfs: float | None = Field(description="greatest sample, dB of full scale")
    rms_dbfs: float | None = Field(description="root mean square, dB of full scale (a full-scale square wave is 0)")


class AudioFigures(Part):
    """ST 2110-30."""

    packet_time_us: float = Field(description="of most packets, by their samples, µs")
    level: str | None = Field(
        description="the level of ST 2110-30 that a receiver needs: A, B or C; null: none at 48 kHz has it"
    )
    samples_per_packet: dict[str, int] = Field(description="packets by the samples a channel that they carry")
    discontinuities: int = Field(
        description="packets whose timestamp is not the one before and its samples, nothing being lost"
    )
    delay_factor: DelayFactor | None = Field(description="null without stamps")
    rtp_age_us: Spread | None = Field(description="from the instant of the RTP timestamp to the packet, µs")
    levels: list[Level] = Field(description="by channel")


class AncContent(Part):
    """One kind of ANC packet."""

    did: str = Field(description="data identifier, hexadecimal")
    sdid: str = Field(description="secondary data identifier or data block number, hexadecimal")
    name: str = Field(description="what is registered under the two, or `not known`")
    packets: int = Field(description="ANC packets")
    frames: int = Field(description="frames that carry one")
    words: str = Field(description="user data words, least to greatest")
    lines: list[int] = Field(description="lines it was placed on; 2047 is none in particular")


class Disclosed(Part):
    """What Relip's disclosure packets say."""

    altered: int = Field(description="frames that say they were altered")
    untouched: dict[str, int] = Field(description="frames that say they were not, by reason")
    concealed: int = Field(description="frames that say rows of theirs were taken from the frame before")
    unreadable: int = Field(description="packets of the signature that break its table")


class AncFigures(Part):
    """ST 2110-40."""

    frames: int = Field(description="frames by RTP timestamp")
    keep_alives: int = Field(description="RTP packets without an ANC packet")
    rtp_packets_per_frame: Spread = Field(description="RTP packets")
    anc_packets_per_frame: Spread = Field(description="ANC packets")
    contents: list[AncContent] = Field(description="by DID and SDID")
    disclosed: Disclosed | None = Field(description="null where nothing is disclosed")
    bad_parity: int = Field(description="ANC packets with a wrong parity bit")
    bad_checksum: int = Field(description="ANC packets with a wrong checksum")
    truncated: int = Field(description="ANC packets that are announced and not there")
    bad_field: int = Field(description="RTP packets whose F bits mean nothing (01)")
    without_marker: int = Field(description="frames whose last RTP packet has no marker")
    rtp_age_us: Spread | None = Field(description="from the instant of the RTP timestamp to the first packet, µs")


class LegFigures(Part):
    """One leg of a flow."""

    destination: str = Field(description="address and port")
    ssrc: str | None = Field(description="of most packets, hexadecimal")
    payload_type: int | None = Field(description="of most packets")
    seconds: float = Field(description="from the first packet to the last, s")
    megabits_per_s: float = Field(description="UDP payload over that time")
    packets: Counts = Field(description="what came and what did not")
    stamps: Stamps = Field(description="how it was timed")
    inter_packet_us: Spread | None = Field(description="from packet to packet, µs")
    video: VideoFigures | None = Field(None, description="null for another kind")
    audio: AudioFigures | None = Field(None, description="null for another kind")
    ancillary: AncFigures | None = Field(None, description="null for another kind")


class Redundancy(Part):
    """Two legs as one flow (ST 2022-7)."""

    lost: int = Field(description="packets that came on neither")
    only: list[int] = Field(description="packets that came on one leg alone, by leg")
    skew_us: Spread | None = Field(description="how much later the second leg brings a packet, µs; negative: earlier")
    path_class: str | None = Field(description="the class of path difference that the greatest skew keeps: D, A, B, C or none")


class FlowReport(Part):
    """One flow."""

    name: str = Field(description="from the transport file, else where it goes")
    kind: Kind = Field(description="video is ST 2110-20, audio -30, ancillary -40")
    found: str = Field(description="the format, as the packets show it")
    stated: str | None = Field(description="the format, as the transport file or the command line says; null: nothing was said")
    differences: list[str] = Field(description="where the two differ")
    legs: list[LegFigures] = Field(description="one, or two of ST 2022-7")
    redundancy: Redundancy | None = Field(description="null for a flow of one leg")
    remarks: list[str] = Field(description="what somebody should know who judges the figures")


class ProbeReport(Part):
    """What one run found out."""

    source: str = Field(description="`network`, or the capture file")
    seconds: float = Field(description="from the first packet to the last of all flows, s")
    clock: str = Field(description="what stamps were turned into TAI by")
    flows: list[FlowReport] = Field(description="in the order asked for, or of their addresses")
    remarks: list[str] = Field(description="what concerns all flows")
