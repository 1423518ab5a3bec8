"""The seams: what the floors above ask of the machine, as one to three verbs each.

Adapters live on the second floor, one technology a file; only `service.compose` chooses among them.
Arrays that cross a port belong to the caller unless its docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from relip.essence.grains import Planes
from relip.essence.scene import Region
from relip.essence.tai import Tai

PACKET_STRIDE = 1536
"""Octets kept for each received packet: above the Standard UDP Size Limit of 1460 (ST 2110-10 §6.3)."""


@dataclass(slots=True)
class Chunk:
    """The packets one receive call returned, as columns; reused from call to call by its owner.

    `octets`: (capacity, stride) uint8, one UDP payload a row. `lengths`: (capacity,) int32, the datagram's own
    length, which may exceed the stride (then the row is cut and must be refused). `leg`: (capacity,) uint8, over which leg of
    the flow the row came. `count`: rows that are valid.
    `arrivals`: (capacity,) int64, or None where nobody asks when packets came: nanoseconds since the Unix epoch on the
    scale of CLOCK_REALTIME, which is UTC, as the machine that took the packets from the network stamped them. TAI is that
    plus TAI − UTC, 37 s since 2017. 0 where the source does not know.
    """

    octets: NDArray[np.uint8]
    lengths: NDArray[np.int32]
    leg: NDArray[np.uint8]
    count: int = 0
    arrivals: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, capacity: int, stride: int = PACKET_STRIDE) -> Chunk:
        """An empty chunk that can hold `capacity` packets."""
        return cls(np.zeros((capacity, stride), np.uint8), np.zeros(capacity, np.int32), np.zeros(capacity, np.uint8))

    def rows(self, first: int, end: int) -> Chunk:
        """A view of the rows first..end, for a source that is to fill only those."""
        arrivals = None if self.arrivals is None else self.arrivals[first:end]
        return Chunk(self.octets[first:end], self.lengths[first:end], self.leg[first:end], arrivals=arrivals)

    @classmethod
    def stamped(cls, capacity: int, stride: int = PACKET_STRIDE) -> Chunk:
        """An empty chunk that also asks when each packet came."""
        chunk = cls.of(capacity, stride)
        chunk.arrivals = np.zeros(capacity, np.int64)
        return chunk


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the packets of a flow's bursts leave: one for all its bursts. Intervals are exact nanoseconds for one packet.

    Packet i of n is due i·`span_ns`/n after the burst is, and `together` packets leave at once. `hold_ns`: they hold back what
    comes after them, also in the next burst, so long for each of them; 0 never. `spin_ns`: within so long of an instant the
    sink looks at the clock and no longer sleeps.
    `kernel_octets_s`: ask the kernel to let no more octets a second leave, headers of the link included; 0 does not.
    `drain_ns`, `read_ns`, `ahead_ns`: by which the burst is measured (`Measured`): the network model's drain, the
    receiver model's reading, and how long after the burst is due the first packet is read (ST 2110-21 §6).
    """

    span_ns: int = 0
    together: int = 1 << 20
    hold_ns: Fraction = Fraction(0)
    spin_ns: int = 0
    kernel_octets_s: int = 0
    drain_ns: Fraction = Fraction(1)
    read_ns: Fraction = Fraction(1)
    ahead_ns: int = 0


class Measured(IntEnum):
    """What a sink notes of a burst, as a column of integers.

    Packets that left; when the first and the last had done so, in nanoseconds after the burst was due; the greatest Cinst; the
    least and the greatest VRX (ST 2110-21 §6.6).
    """

    PACKETS = 0
    FIRST_NS = 1
    LAST_NS = 2
    CINST = 3
    VRX_LEAST = 4
    VRX_MOST = 5


@dataclass(slots=True)
class Burst:
    """Packets to send, as columns: packet i is `headers[i]` followed by `payload[offsets[i]:offsets[i]+lengths[i]]`.

    `headers`: (n, header_octets) uint8, C-contiguous. `payload`: 1-D uint8. `offsets`, `lengths`: (n,) int64.
    `schedule`: how they leave from the instant `due` on, or from the call on when there is none; without a schedule as fast as
    the link takes them. `measured`: (len(Measured),) int64, filled by a sink that keeps time, or all 0.
    """

    headers: NDArray[np.uint8]
    payload: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    schedule: Schedule | None = None
    due: Tai | None = None
    measured: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(Measured), np.int64))


@dataclass(frozen=True, slots=True)
class LegState:
    """How one leg of a flow fares: `lost`, how often it could not be had; `why`, while it cannot, else empty.

    `packets`, `refused`: of a leg that sends, what its link took and what it did not.
    """

    lost: int = 0
    why: str = ""
    packets: int = 0
    refused: int = 0


class PacketSource(Protocol):
    """Gives packets. Adapters: transport.udp, rivermax, pcap and loopback; transport.legs joins two."""

    def receive(self, chunk: Chunk, wait_ns: int) -> int:
        """Fill the chunk from its start; wait at most `wait_ns` for the first packet. Returns and sets `chunk.count`.

        Raises ResourceError when the source is gone: closed, or its interface was removed (`transport.legs` opens it anew).
        """
        ...

    def close(self) -> None:
        """Give the resource back. Idempotent; a blocked `receive` returns soon."""
        ...


class PacketSink(Protocol):
    """Takes packets. Adapters: transport.udp, rivermax and loopback; transport.legs sends to two."""

    def send(self, burst: Burst) -> int:
        """Send all of it in order; returns how many packets the link accepted. The arrays are free again on return."""
        ...

    def close(self) -> None:
        """Give the resource back. Idempotent."""
        ...


class Clock(Protocol):
    """Tells TAI. Adapters: clock.ptp, clock.rivermax; in tests: clock.manual."""

    def now(self) -> Tai:
        """The present instant."""
        ...

    def wait_until(self, due: Tai) -> None:
        """Return at `due`, or at once when it is past."""
        ...


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A model's input or output: its name, shape (-1 where free) and numpy dtype name."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model takes and gives, in order, and the SHA-256 of the file it came from."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    sha256: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


class Model(Protocol):
    """Runs a net. Adapters: inference.onnx, inference.triton; in tests: inference.null."""

    @property
    def signature(self) -> Signature:
        """Names, shapes and dtypes."""
        ...

    def infer(self, inputs: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], ...]:
        """One forward pass; results belong to the caller. Raises ModelError."""
        ...


@dataclass(slots=True)
class Lattice:
    """Displacements on a grid: an output sample at luma position (x, y) shows the source at (x + dx, y + dy).

    Node (r, c) lies at (c·step, r·step); between nodes bilinear, beyond the last node held. `dx`, `dy`: (rows, columns)
    float32 in luma pixels, at least 2 by 2 nodes.
    """

    step: int
    dx: NDArray[np.float32]
    dy: NDArray[np.float32]

    @classmethod
    def over(cls, width: int, height: int, step: int) -> Lattice:
        """A lattice of nought that covers a raster."""
        shape = (max(2, -(-height // step) + 1), max(2, -(-width // step) + 1))
        return cls(step, np.zeros(shape, np.float32), np.zeros(shape, np.float32))


@dataclass(slots=True)
class Outline:
    """A star-shaped outline that opens upwards, as a lower face has: how far it reaches from a centre on every ray down.

    `centre`: (x, y) in luma pixels. `axis`: (cos, sin) of the direction "across"; "down" is a quarter turn further.
    `inner`, `outer`: (n,) float32, pixels from the centre at n even steps of across / (|across| + down) from −1 to 1: where a
    field begins to die away, and where it is nought. Rays that lead upwards count as level.
    """

    centre: tuple[float, float]
    axis: tuple[float, float]
    inner: NDArray[np.float32]
    outer: NDArray[np.float32]


@dataclass(slots=True)
class LipLayer:
    """Lips and the space between them, taken from one picture and fitted to contours in another.

    All positions are luma pixels. A target pixel (x, y) has mouth coordinates u (along the axis, 0 at `origin`) and
    v (across, downwards).

    `source`: the picture the pixels come from. `box`: (x, y, width, height) in the target planes, x and width even; nothing
    outside it is written. `upper`, `lower`: lattices over the box that lead from target pixels to source positions, as
    displacements added to the position *within the box*; one for each lip, since they part.
    `origin`: (x, y) in the target planes; `axis`: (cos, sin) of the mouth line; `length`: of that line.
    `contours`: (6, n) float32 at n even steps of u from 0 to `length`, in target pixels: v of the outer upper, inner upper,
    inner lower and outer lower edge; the height of the source's own opening there; and how far down in it the target's begins.
    `down`: (x, y) source pixels that correspond to one target pixel of v. `inset`: target pixels by which the lattices hold
    off the inner edges. `stretch`: how far the source's opening may be scaled before it is cut off or continued by `unseen`.
    `valley`: the part of the source's opening, from above, that holds to the skull; what lies below goes with the jaw, and
    `unseen`, or nothing, comes between the two.
    `feather`: pixels of ramp outside and inside the outer edge. `soft`: half width of the inner edges. `seam`: share of the
    luma taken off where closed lips meet; `shade`: share of `unseen` beside the lips within an opening.
    `gain`, `offset`: luma ×gain (about code 64), then Y, Cb, Cr offsets. `unseen`: (3, rows, columns) float32, Y, Cb, Cr of
    what the source does not show of the opening, from corner to corner and from lip to lip. `grain`: deviation of the noise
    added to the luma, in codes; `seed`: 32 bits that choose it. `weight`: 0..1, of the whole layer.
    """

    source: Planes
    box: tuple[int, int, int, int]
    upper: Lattice
    lower: Lattice
    origin: tuple[float, float]
    axis: tuple[float, float]
    length: float
    contours: NDArray[np.float32]
    down: tuple[float, float]
    inset: float
    stretch: float
    valley: float
    feather: tuple[float, float]
    soft: float
    seam: float
    shade: float
    gain: float
    offset: tuple[float, float, float]
    unseen: NDArray[np.float32]
    grain: float
    seed: int
    weight: float


class Device(Protocol):
    """Pixel kernels. Adapters: device.host. Each kernel has a numpy reference and an equality test."""

    def unpack(self, packed: NDArray[np.uint8], region: Region, out: Planes) -> None:
        """Unpack a region of a packed frame (height, row_octets) into planes of the region's size."""
        ...

    def pack(self, planes: Planes, out: NDArray[np.uint8]) -> None:
        """Pack planes into pgroups: `out` is (h, w/2*5) uint8."""
        ...

    def crop(self, packed: NDArray[np.uint8], affine: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Sample a packed frame into R'G'B'.

        `affine`: (2, 3), output pixel (column, row, 1) → raster (x, y). `out`: (h, w, 3) float32, full-range
        R'G'B' in 0..1 by the BT.709 narrow-range matrix; bilinear luma; 0 outside the raster.
        """
        ...

    def spread(
        self, at: NDArray[np.float64], moves: NDArray[np.float64], *, unit: float, stiffness: float, lattice: Lattice
    ) -> None:
        """Fill a lattice with the smooth field (thin-plate spline) that takes `moves` (n, 2) at the points `at` (n, 2).

        Both in luma pixels (x, y), node (0, 0) at the origin. `unit`: pixels that count as one, which keeps the equations well
        conditioned and gives `stiffness` its scale: 0 goes through every point, more smooths.
        """
        ...

    def trace(self, x: NDArray[np.float64], y: NDArray[np.float64], out: NDArray[np.float64]) -> None:
        """Write the smooth curves through points (k, m), x rising in each row, at n even steps of x from 0 to 1: `out` (k, n).

        Cubic Hermite with harmonic slopes: never beyond the points; before the first and behind the last, that point goes on.
        """
        ...

    def confine(self, field: Lattice, outline: Outline, out: Lattice) -> None:
        """Write a field to the nodes of another lattice over the same raster, confined to an outline.

        Within `inner` it is the field itself; beyond, the field at the place where the ray crosses `inner`, falling smoothly
        to nought at `outer` and exactly nought from there on.
        """
        ...

    def warp(self, source: Planes, lattice: Lattice, out: Planes) -> None:
        """Write `source` seen through the lattice into `out`, of the same size.

        Cubic (a = −0.5), clamped at the source's edge, rounded, kept within codes 4..1019; a sample that the lattice moves by
        less than 1/256 pixel is copied as it is.
        """
        ...

    def lay(self, layer: LipLayer, out: Planes) -> None:
        """Lay lips over planes, in place, inside the layer's box only."""
        ...

    def blend(self, under: NDArray[np.uint8], over: Planes, alpha: NDArray[np.float32], out: NDArray[np.uint8]) -> None:
        """Blend planes over packed pgroups: `under` and `out` (h, w/2*5) uint8, `alpha` (h, w) float32 in 0..1.

        Chroma takes the alpha of its co-sited luma sample. Rounded, kept within codes 4..1019; where the alpha is 0 the code
        of `under` stays whatever it is.
        """
        ...
