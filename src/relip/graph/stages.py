"""What each operator of the graph does with a pulse: one call into one engine, and the reason when it cannot.

Plain objects, in the order the pulse meets them. No Holoscan here: `graph.holoscan` wraps them, tests call them.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from relip.articulation.net import ArticulationNet
from relip.articulation.speaker import Observations, Speaker
from relip.composite.patch import composite
from relip.essence.grains import AudioBlock, VideoGrain
from relip.essence.scene import NOBODY, Bypass, Sighting, Verdict
from relip.essence.tai import AUDIO_CLOCK_HZ, NS_PER_S, VIDEO_CLOCK_HZ, Tai, grain_ticks
from relip.face.people import People
from relip.face.tracker import FaceTracker
from relip.graph.egress import Egress
from relip.graph.ladder import Ladder, Overload, Rung, Standing
from relip.graph.ramp import RAMP_MS, Outlook, Ramp
from relip.graph.take import Pulse, Take
from relip.graph.tally import Tally
from relip.mouth.occlusion import Cover, Occlusion
from relip.mouth.own_pixels import OwnPixels
from relip.ports import Clock, Device
from relip.speech.listener import Listener

GRID_GRAINS = 120
"""Within so many grains every position of a grain among the columns comes up, at every rate."""
COLUMN_SAMPLES = 480
"""A log-mel column lies on every 480th sample (100 Hz)."""
HALF_WINDOW_SAMPLES = 600
"""Half of the 25 ms analysis window."""
JUMP_SAMPLES = 10 * AUDIO_CLOCK_HZ
"""A voice whose timestamps are this far from what was heard last is another one: what was heard of the old is forgotten."""
RANGES = 12
"""Speakers whose range is remembered beside those enrolled, the longest ago given up: 18 kB each, so more than faces."""
ALLOWS = {Rung.NONE: Outlook.REFUSED, Rung.LIPS: Outlook.LIPS, Rung.FULL: Outlook.FULL}
WATCHED = 8
"""Drawn takes of which the mouth stage wants to know whether they left in time: more than there are in the graph at once."""
WAY_OUT_TICKS = VIDEO_CLOCK_HZ * (RAMP_MS + 100) // 1000
"""A way out is over by then, whatever the rate."""
CONCEALED_SHARE = 20
"""A grain with more than a twentieth of its rows concealed is sent on as it is: faces in it cannot be trusted."""


@dataclass(slots=True)
class Switch:
    """What an operator of the service may throw while it runs."""

    bypass: bool = False


class Inbox:
    """Blocks of the voice between the reception and the graph: the latest 256, the oldest are dropped.

    Each holds a run without a gap of what one visit to the socket brought, a tenth of a second at the most.
    `fetch`: brings what has been received by now; the reception sets it. `shift`: samples from a grain's timestamp to that of
    the sound made at the same instant, from both its instants; 0, since they share an epoch, unless the composition sets it.
    """

    def __init__(self) -> None:
        self._blocks: deque[AudioBlock] = deque(maxlen=256)
        self.put = self._blocks.append
        self.fetch: Callable[[], None] = _nothing
        self.shift: Callable[[Tai, Tai], int] = _none

    def drained(self) -> Iterator[AudioBlock]:
        """Every block, in the order in which they came; the inbox is empty afterwards."""
        while self._blocks:
            yield self._blocks.popleft()


def _nothing() -> None:
    """Nobody receives."""


def _none(_origin: Tai, _local: Tai) -> int:
    """Timestamps say it all."""
    return 0


@dataclass(frozen=True, slots=True)
class VoiceTiming:
    """How the voice is laid to the picture, in samples at 48 kHz.

    `offset_samples`: so much later than its timestamps. `absent_samples`: how long it may be gone before it counts as absent;
    None when it never does, and the mouth rests until it is back.
    """

    offset_samples: int = 0
    absent_samples: int | None = AUDIO_CLOCK_HZ * 300 // 1000


def grain_samples(grain: VideoGrain) -> tuple[int, int]:
    """The 48 kHz samples a grain lasts for, first and one past the last: exact at every rate."""
    rate = grain.format.rate
    scaled = VIDEO_CLOCK_HZ * rate.numerator
    start = grain.ticks * AUDIO_CLOCK_HZ // VIDEO_CLOCK_HZ
    end = (grain.ticks * rate.numerator + VIDEO_CLOCK_HZ * rate.denominator) * AUDIO_CLOCK_HZ // scaled
    return start, end


def voice_samples(take: Take) -> tuple[int, int]:
    """The samples of the voice that belong to a take, as `grain_samples`, where the speech stage has laid them."""
    start, end = grain_samples(take.grain)
    return start + take.voice_shift, end + take.voice_shift


def voice_need_ns(net: ArticulationNet, rate: Fraction) -> int:
    """From a grain's origin timestamp to the last sample its articulation hears, for the grain that needs the most."""
    needs = []
    for k in range(GRID_GRAINS):
        start, end = (grain_ticks(i, rate, AUDIO_CLOCK_HZ) for i in (k, k + 1))
        first, count = net.columns(start, end)
        needs.append((first + count - 1) * COLUMN_SAMPLES + HALF_WINDOW_SAMPLES - start)
    return max(needs) * NS_PER_S // AUDIO_CLOCK_HZ


class FaceStage:
    """Looks at every grain as it arrives."""

    name = "face"

    def __init__(self, tracker: FaceTracker, tally: Tally, clock: Clock) -> None:
        self._tracker = tracker
        self._tally = tally
        self._clock = clock

    def work(self, pulse: Pulse) -> bool:
        """Set the sighting of the grain that just came."""
        take = pulse.arrived
        if take is None:
            return False
        if take.grain.concealed_rows * CONCEALED_SHARE > take.grain.format.height:
            take.sighting = Sighting(face=None, absent=Bypass.INCOMPLETE)
            return False
        if take.due <= self._clock.now():  # a graph that has fallen behind must not work on what has left
            take.sighting = Sighting(face=None, absent=Bypass.DEADLINE)
            return False
        take.sighting = self._tracker.see(take.grain.packed, take.grain.ticks)
        self._tally.tracked += take.sighting.face is not None
        return True


class OcclusionStage:
    """Looks whether something is before the mouth of the grain that just came."""

    name = "occlusion"

    def __init__(self, occlusion: Occlusion) -> None:
        self._occlusion = occlusion

    def work(self, pulse: Pulse) -> bool:
        """Take the face out of the sighting when its lips are covered, limit it when other parts are.

        The identity also grows when another mouth is seen, in a dissolve for instance, which the tracker cannot know.
        """
        take = pulse.arrived
        if take is None or take.sighting is None:
            return False
        if take.sighting.cut:
            self._occlusion.forget()
        if take.sighting.face is None:
            return False
        face = take.sighting.face
        cover = self._occlusion.see(take.grain.packed, face)
        take.sighting = replace(take.sighting, face=replace(face, identity=face.identity + self._occlusion.mouths))
        if cover is Cover.LIPS:
            take.sighting = replace(take.sighting, face=None, absent=Bypass.COVERED)
        elif cover is Cover.FACE:
            take.sighting = replace(take.sighting, limit=Bypass.COVERED)
        return True


class AlignStage:
    """Holds what was seen until the voice is there, so that each grain knows the `ahead` ones after it, and who it shows."""

    name = "align"

    def __init__(
        self,
        switch: Switch,
        clock: Clock,
        ahead: int,
        *,
        people: People | None = None,
        overload: Overload | None = None,
    ) -> None:
        self._switch = switch
        self._people = people or People()
        self._clock = clock
        self._ahead = ahead
        self._overload = overload or Overload()
        self._ladder = Ladder()
        self._held: deque[Take] = deque()
        self._thrown: int | None = None
        self._open = False

    def work(self, pulse: Pulse) -> bool:
        """Tell ready takes where they stand and what is coming; give up on those that cannot be worked on."""
        if pulse.arrived is not None:
            self._stand(pulse.arrived)
            self._held.append(pulse.arrived)
        for take in pulse.ready:
            while self._held and self._held[0].grain.ticks <= take.grain.ticks:
                self._held.popleft()
            coming = self._coming(take.grain)
            take.coming = tuple(None if later is None else later.standing for later in coming)
            take.person = self._who(take, coming)
            standing = take.standing or self._stand(take)
            reason = self._reason(take, standing)
            self._open = reason is None
            if reason is not None:
                take.bypass(reason)
        return bool(pulse.ready)

    def _stand(self, take: Take) -> Standing:
        take.standing = self._ladder.stand(take.sighting, take.grain.ticks)
        return take.standing

    def _reason(self, take: Take, standing: Standing) -> Bypass | None:
        """Why a ready take is left alone at once, without a way out."""
        if self._requested(take):
            return Bypass.REQUESTED
        if take.due <= self._clock.now():
            return Bypass.DEADLINE
        if self._overload.rests(take.grain.ticks):
            return Bypass.OVERLOAD
        return None if standing.drawable else standing.reason

    def _requested(self, take: Take) -> bool:
        """Whether bypass was asked for long enough ago that the way out has ended; until then the take is but refused."""
        if not self._switch.bypass:
            self._thrown = None
            return False
        if self._thrown is None:
            self._thrown = take.grain.ticks if self._open else take.grain.ticks - WAY_OUT_TICKS
        if take.standing is not None:
            take.standing = replace(take.standing, rung=Rung.NONE, reason=Bypass.REQUESTED)
        return take.grain.ticks - self._thrown >= WAY_OUT_TICKS

    def _who(self, take: Take, coming: list[Take | None]) -> int:
        """The person in a take. A face that must be left alone, such as a covered one, is no likeness of anybody."""
        sighting = take.sighting
        if sighting is None or sighting.face is None:
            return NOBODY
        face = sighting.face if _shows_who(sighting) else replace(sighting.face, features=None)
        seen = [later.sighting for later in coming if later is not None and later.sighting is not None]
        return self._people.who(face, [each.face for each in seen if each.face is not None and _shows_who(each)])

    def _coming(self, grain: VideoGrain) -> list[Take | None]:
        """The grains after this one, each in its own place; None for one that did not come."""
        coming: list[Take | None] = [None] * self._ahead
        for later in self._held:
            place = round((later.grain.ticks - grain.ticks) * grain.format.rate / VIDEO_CLOCK_HZ) - 1
            if 0 <= place < self._ahead:
                coming[place] = later
        return coming


class SpeechStage:
    """Hears what the network brought since the last pulse, and tells whether there is a voice at all."""

    name = "speech"

    def __init__(self, listener: Listener, inbox: Inbox, net: ArticulationNet, timing: VoiceTiming) -> None:
        self._listener = listener
        self._inbox = inbox
        self._net = net
        self._timing = timing
        self._newest = 0

    def work(self, pulse: Pulse) -> bool:
        """Feed the listener; give each ready take its log-mel window."""
        takes = open_takes(pulse)
        if takes:
            self._inbox.fetch()
        for block in self._inbox.drained():
            if abs(block.end_sample - self._newest) > JUMP_SAMPLES:  # the voice began anew, or a timestamp was damaged
                self._listener.forget()
                self._newest = block.end_sample
            self._listener.hear(block)
            self._newest = max(self._newest, block.end_sample)
        for take in takes:
            take.voice_shift = self._inbox.shift(take.grain.origin, take.local) - self._timing.offset_samples
            start, end = voice_samples(take)
            allowed = self._timing.absent_samples
            take.voice_absent = allowed is not None and start - self._newest > allowed
            take.mel = self._listener.mel(*self._net.columns(start, end))
        return bool(takes)


class ArticulationStage:
    """Turns the voice into a mouth shape of this speaker."""

    name = "articulation"

    def __init__(self, net: ArticulationNet, speaker: Speaker, enrolled: Mapping[int, Observations] | None = None) -> None:
        """`enrolled`: what is known of people in advance, as `Speaker.recall` takes it."""
        self._net = net
        self._speaker = speaker
        self._enrolled = dict(enrolled or {})
        self._met: OrderedDict[int, Observations] = OrderedDict()
        self._identity, self._person = -1, NOBODY

    def work(self, pulse: Pulse) -> bool:
        """Set the target of each ready take, and learn how far this speaker opens the mouth."""
        takes = open_takes(pulse)
        for take in takes:
            assert take.sighting is not None
            assert take.sighting.face is not None
            assert take.mel is not None
            face = take.sighting.face
            if face.identity != self._identity or take.person != self._person:
                self._turn_to(take.person)
                self._identity = face.identity
            if unhindered(take.sighting):
                self._speaker.observe(face.shape)
            start, end = voice_samples(take)
            take.articulation = self._net.articulate(take.mel, start, end)
            take.target = self._speaker.aim(take.articulation)
        return bool(takes)

    def _turn_to(self, person: int) -> None:
        """Put aside what is known of the speaker before, and take up what is known of this one."""
        if self._person in self._enrolled:
            self._enrolled[self._person] = self._speaker.known()
        elif self._person != NOBODY:
            self._met[self._person] = self._speaker.known()
            self._met.move_to_end(self._person)
        if len(self._met) > RANGES:
            self._met.popitem(last=False)
        self._person = person
        self._speaker.forget()
        known = self._enrolled.get(person, self._met.get(person))
        if known is not None:
            self._speaker.recall(known)


class MouthStage:
    """Draws the new mouth, as strongly as the ramp allows."""

    name = "mouth"

    def __init__(self, renderer: OwnPixels, ramp: Ramp) -> None:
        self._renderer = renderer
        self._ramp = ramp
        self._identity, self._person = -1, NOBODY
        self._new_shot = False
        self._drawn: deque[Take] = deque(maxlen=WATCHED)

    def work(self, pulse: Pulse) -> bool:
        """Render each ready take that has a face and a voice."""
        rendered = False
        for take in pulse.ready:
            if take.standing is not None and take.standing.cut:
                self._new_shot = True
                self._ramp.drop()
            if take.verdict is not None or self._was_lost():
                self._ramp.drop()
            if take.verdict is None:
                self._render(take)
                rendered = True
        return rendered

    def _was_lost(self) -> bool:
        """Whether a grain left untouched although it was drawn: then the dub has to come in anew."""
        lost = any(take.overtaken or (take.verdict is not None and take.verdict.patch is None) for take in self._drawn)
        if lost:
            self._drawn.clear()
        return lost

    def _render(self, take: Take) -> None:
        assert take.sighting is not None
        assert take.sighting.face is not None
        assert take.standing is not None
        assert take.target is not None
        face, here = take.sighting.face, take.standing
        if face.identity != self._identity or take.person != self._person:
            self._renderer.turn_to(take.person, iod=face.iod)
            self._identity, self._person = face.identity, take.person
            self._ramp.drop()
        if unhindered(take.sighting):
            self._renderer.learn(take.grain.packed, face, take.grain.ticks)
        refusal = here.reason if here.rung is Rung.NONE else self._refusal(take)
        if refusal is None and here.cut:
            self._ramp.enter(ALLOWS[here.rung])
        else:
            outlooks = [outlook(standing, face.identity) for standing in take.coming]
            self._ramp.advance(Outlook.REFUSED if refusal else ALLOWS[here.rung], outlooks)
        take.strength, take.jaw = self._ramp.strength, self._ramp.jaw
        if take.strength <= 0:
            take.bypass(refusal or _coming_refusal(take))
            return
        self._new_shot = False
        take.rendered = self._renderer.render(take.grain.packed, face, take.target, take.strength, jaw=take.jaw)
        if take.rendered is None:
            self._ramp.drop()
            take.bypass(Bypass.OUT_OF_FRAME)
        else:
            self._drawn.append(take)

    def _refusal(self, take: Take) -> Bypass | None:
        """Why a take that may be drawn is not wanted to be."""
        if take.voice_absent:
            return Bypass.NO_DUB
        if not self._renderer.warm:
            return Bypass.CUT if self._new_shot else Bypass.WARMING
        return None


class CompositeStage:
    """Blends the new mouth into the packed picture, as a patch."""

    name = "composite"

    def __init__(self, device: Device) -> None:
        self._device = device

    def work(self, pulse: Pulse) -> bool:
        """Set the verdict of each rendered take."""
        takes = open_takes(pulse)
        for take in takes:
            assert take.rendered is not None
            limit = take.standing.reason if take.standing is not None and take.standing.rung is Rung.LIPS else None
            take.verdict = Verdict(patch=composite(self._device, take.grain.packed, take.rendered), limit=limit)
        return bool(takes)


class EgressStage:
    """Hands the verdicts to the egress, which sends them when they are due."""

    name = "egress"

    def __init__(self, egress: Egress, overload: Overload) -> None:
        self._egress = egress
        self._overload = overload

    def work(self, pulse: Pulse) -> bool:
        """Settle every ready take, and note those that were too late."""
        for take in pulse.ready:
            verdict = take.verdict or Verdict(bypass=Bypass.FAILED)
            take.overtaken = not self._egress.settle(take.grain.ticks, verdict)
            if take.overtaken or verdict.bypass is Bypass.DEADLINE:
                self._overload.missed(take.grain.ticks)
        return bool(pulse.ready)


def open_takes(pulse: Pulse) -> list[Take]:
    """The ready takes for which no reason to leave them alone has been found yet."""
    return [take for take in pulse.ready if take.verdict is None]


def _coming_refusal(take: Take) -> Bypass:
    """For which of the coming grains this one is not drawn any more, or not yet."""
    refused = (s.reason for s in take.coming if s is not None and s.reason is not None and s.rung is Rung.NONE)
    return next(refused, Bypass.WARMING)  # no reason of its own: another person begins


def _shows_who(sighting: Sighting) -> bool:
    """Whether a face may be compared with people's: also one that does not fit this person, who may have changed."""
    return sighting.absent is None and sighting.limit is not Bypass.COVERED


def unhindered(sighting: Sighting) -> bool:
    """Whether what is seen is this speaker's mouth, to be learned from: not turned away, and nothing before it."""
    return sighting.absent is None and sighting.limit not in {Bypass.COVERED, Bypass.FACE_UNSURE}


def outlook(standing: Standing | None, identity: int) -> Outlook:
    """What a coming grain allows to a ramp that works on `identity`; one that did not come allows all."""
    if standing is None:
        return Outlook.FULL
    if standing.cut:
        return Outlook.CUT
    return ALLOWS[standing.rung] if standing.drawable and standing.identity == identity else Outlook.BLOCKED
