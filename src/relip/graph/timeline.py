"""Where a sender's timeline lies on ours.

A sender locked to TAI needs no mapping. One that is not (a wrong epoch, no PTP) is followed by its own clock: its
first grain is taken to have been captured one period before it was complete, and from then on the offset moves with the
sender's clock, slowly and by whole nanoseconds, so that no grain is sent twice, left out or hurried.
What moves an offset is the least age of a window of some seconds: jitter only ever adds to an age. Nothing here asks what time
it is.
"""

from __future__ import annotations

from fractions import Fraction

from relip.essence.grains import VideoGrain
from relip.essence.tai import NS_PER_S, Tai

EARLY_NS = 2_000_000
"""A locked sender's grain cannot be complete before its own timestamp, but for clock error."""
LATE_PERIODS = 4
"""A locked sender's grain is complete within this many periods (ST 2110-21 wide senders, 2022-7 class A)."""
TRIED_GRAINS = 5
"""So many grains after an offset was found, it may still be found better: the first ones may have been late or early."""
STRAYS = 1
"""A timestamp that leaps and does not fit may be damaged; the next one that does so too is not."""
STALL_NS = NS_PER_S
"""So far beyond the latest that fits, what comes after a gap may still have been held up."""
PATIENCE_NS = 2 * NS_PER_S
"""Timestamps that go on without a leap may not fit for so long before the offset is left: a stall of this machine is no jump
of the sender."""
WINDOW_NS = 4 * NS_PER_S
"""Time in which at least one grain comes without delay; short, for at 2000 ppm an age grows by 8 ms meanwhile."""
SLEW = 500
"""An offset moves by a five hundredth of the time that passes at most (2000 ppm): twice what 1000/1001 needs, ten times more
than any crystal, and 80 µs a frame at 25 fps, which nobody sees."""
NEW_PATH_NS = 10_000_000
"""Ages that change by more from window to window tell of another way through the network, not of a clock."""
ASTRAY_NS = 10_000_000
"""A locked sender whose least age has moved so far, or by half a period, drifts; less is what a busy machine makes of it."""
DRIFT_NS = 60 * NS_PER_S
"""A drift is told after so long: jitter of a tenth of a millisecond is then 2 ppm."""
PACE_NS = 2 * NS_PER_S
"""Time over which the pace of the timestamps is measured; a packet more or less is a few percent of it."""


class Timeline:
    """Remembers the offset from origin timestamps to local TAI; zero while the sender is locked."""

    def __init__(self, rate: Fraction, *, late_periods: int = LATE_PERIODS, delay_ns: int = 0) -> None:
        """`rate`: grains (or packets of sound) a second. `delay_ns`: how long after its timestamps the sender says it sends."""
        self._period_ns = NS_PER_S * rate.denominator // rate.numerator
        self._latest_ns = late_periods * self._period_ns
        self._delay_ns = delay_ns
        self._early_ns = EARLY_NS + min(delay_ns, self._latest_ns)  # who declares a delay may well send sooner
        self._found_ns: int | None = None
        self._offset_ns = 0
        self._drifts = False
        self._tried = 0
        self._misfit_since: Tai | None = None
        self._strays = 0
        self._last: Tai | None = None
        self._window = _Window()
        self._pace = _Pace()
        self.relocks = 0
        """How often the offset had to be found anew; the first time does not count."""

    @property
    def known(self) -> bool:
        """Whether anything has come."""
        return self._found_ns is not None

    @property
    def locked(self) -> bool:
        """Whether origin timestamps are taken as TAI."""
        return self._found_ns == 0 and not self._drifts

    @property
    def offset_ns(self) -> int:
        """Local TAI less the sender's time, its declared delay included: what is added to an origin timestamp."""
        return self._delay_ns + self._offset_ns

    @property
    def delay_ns(self) -> int:
        """How long after its timestamps the sender says it sends."""
        return self._delay_ns

    @property
    def behind_ns(self) -> int:
        """How far the sender's time was found to lie behind ours, its declared delay taken off; drift since then is not in."""
        return self._found_ns or 0

    @property
    def drift_ppm(self) -> Fraction | None:
        """By how much the sender's clock runs faster than ours, in millionths; None before `DRIFT_NS` of it was seen."""
        return self._window.drift_ppm

    @property
    def pace(self) -> Fraction:
        """How fast timestamps go on, as a multiple of time: 1, but for noise, in every flow of the media clock it declares."""
        return self._pace.ratio

    def local(self, grain: VideoGrain) -> Tai:
        """The local instant of a grain's origin timestamp."""
        return self.place(grain.origin, grain.arrived)

    def place(self, origin: Tai, arrived: Tai) -> Tai:
        """The local instant of `origin`, the timestamp of something that was complete when it `arrived`.

        A timestamp that leaps is not believed yet, but placed as if it were: whoever waited for it would hold up all behind it.
        """
        age_ns = arrived.since(origin) - self._delay_ns
        self._pace.observe(origin, arrived)
        self._find(age_ns, origin)
        if not self._strays and self._window.observe(age_ns, arrived):
            self._judge()
        self._slew(origin)
        if self._strays:
            return origin.after(self._delay_ns + self._offset_of(age_ns))
        self._last = origin
        return self.at(origin)

    def at(self, origin: Tai) -> Tai:
        """The local instant of any timestamp of this sender, as far as it is known by now."""
        return origin.after(self.offset_ns)

    def _find(self, age_ns: int, origin: Tai) -> None:
        """Find the offset when there is none, find it better while it is tried, leave it when nothing fits it any more."""
        self._tried += 1
        leapt = self._leapt(age_ns, origin)
        if self._found_ns is None:
            self._begin(self._offset_of(age_ns))
        elif self._found_ns and not leapt and (self._tried <= TRIED_GRAINS or age_ns - self._offset_ns < -self._early_ns):
            self._begin(self._better(self._offset_of(age_ns)), tried=self._tried)  # what was late before, is not any more
        elif self._fits(age_ns, self._offset_ns):
            self._misfit_since, self._strays = None, 0
        elif leapt:
            self._strays += 1
            if self._strays > STRAYS:
                self._leave(age_ns)
        elif self._has_not_fitted(origin):
            self._leave_unless_drifted(age_ns)

    def _leapt(self, age_ns: int, origin: Tai) -> bool:
        """Whether timestamps have not gone on from the last one: back, or further than the time that has passed.

        Some that are missing, and those after them late, are a stall.
        """
        if self._last is None:
            return False
        step_ns = origin.since(self._last)
        if 0 < step_ns <= self._latest_ns:
            return False
        return step_ns <= 0 or not 0 <= age_ns - self._offset_ns <= self._latest_ns + STALL_NS

    def _begin(self, found_ns: int, *, tried: int = 1) -> None:
        self._found_ns = self._offset_ns = self._target_ns = found_ns
        self._drifts = False
        self._tried = tried
        self._misfit_since, self._strays = None, 0
        self._window.forget()

    def _leave(self, age_ns: int) -> None:
        """The sender's time is another one from here on."""
        found_ns = self._offset_of(age_ns)
        self.relocks += 1
        self._begin(found_ns)

    def _leave_unless_drifted(self, age_ns: int) -> None:
        """An offset that only just fails to fit is not jumped from: the clock has drifted."""
        fit_ns = age_ns - self._offset_ns
        if -self._period_ns <= fit_ns <= self._latest_ns + self._period_ns:
            self._drifts = True
        else:
            self._leave(age_ns)

    def _offset_of(self, age_ns: int) -> int:
        return 0 if self._fits(age_ns, 0) else age_ns - self._period_ns

    def _better(self, offset_ns: int) -> int:
        """Of the offset there is and another one: none at all, else that of the grain which was held up less."""
        return min(offset_ns, self._offset_ns) if offset_ns else 0

    def _fits(self, age_ns: int, offset_ns: int) -> bool:
        """Whether a grain could be so old."""
        return -self._early_ns <= age_ns - offset_ns <= self._latest_ns

    def _has_not_fitted(self, origin: Tai) -> bool:
        """Whether nothing has fitted for a while, by the sender's own time."""
        if self._misfit_since is None:
            self._misfit_since = origin
        return origin.since(self._misfit_since) > PATIENCE_NS

    def _judge(self) -> None:
        """At the end of a window: where the offset should be."""
        window = self._window
        if self._found_ns:
            self._target_ns = window.least_ns - self._period_ns
            return
        astray_ns = max(ASTRAY_NS, self._period_ns // 2)
        if abs(window.moved_ns) > astray_ns:
            self._drifts = True
        elif abs(window.moved_ns) < astray_ns // 4:
            self._drifts = False
        self._target_ns = window.moved_ns if self._drifts else 0

    def _slew(self, origin: Tai) -> None:
        """Move the offset towards where it should be, by no more than a viewer, a buffer or a pacer would notice."""
        if self._last is None or self._offset_ns == self._target_ns:
            return
        most_ns = min(max(0, origin.since(self._last)), self._latest_ns) // SLEW
        self._offset_ns += max(-most_ns, min(most_ns, self._target_ns - self._offset_ns))


class _Window:
    """The least age of each window since the offset was found, and how far it has moved since the first."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._begun: Tai | None = None
        self._age_ns = 0
        self._since: Tai | None = None
        self._first_ns = 0
        self.least_ns = 0

    @property
    def moved_ns(self) -> int:
        """How much older grains are than they were in the first window, new paths taken off."""
        return self.least_ns - self._first_ns

    @property
    def drift_ppm(self) -> Fraction | None:
        """The sender's clock against ours."""
        begun, since = self._begun, self._since  # another thread asks, and `forget` may come in between
        if since is None or begun is None or (elapsed_ns := begun.since(since)) < DRIFT_NS:
            return None
        return Fraction(-1_000_000 * self.moved_ns, elapsed_ns)

    def observe(self, age_ns: int, arrived: Tai) -> bool:
        """Take one age; whether a window has ended with it."""
        if self._begun is None:
            self._begun, self._age_ns = arrived, age_ns
        self._age_ns = min(self._age_ns, age_ns)
        passed_ns = arrived.since(self._begun)
        if 0 <= passed_ns < WINDOW_NS:
            return False
        if self._since is None:
            self._since, self._first_ns = arrived, self._age_ns
        elif abs(self._age_ns - self.least_ns) > NEW_PATH_NS:
            self._first_ns += self._age_ns - self.least_ns
        self.least_ns = self._age_ns
        self._begun, self._age_ns = arrived, age_ns
        return True


class _Pace:
    """How far timestamps go in a time that is long against any jitter."""

    def __init__(self) -> None:
        self._from: tuple[Tai, Tai] | None = None
        self._before = Fraction(1)
        self.ratio = Fraction(1)

    def observe(self, origin: Tai, arrived: Tai) -> None:
        """Take one timestamp and when it came; a ratio counts when it is measured twice, for a jump is no pace."""
        if self._from is None:
            self._from = origin, arrived
        passed_ns = arrived.since(self._from[1])
        if 0 <= passed_ns < PACE_NS:
            return
        measured = Fraction(origin.since(self._from[0]), passed_ns)
        if abs(measured - self._before) < abs(measured) / 10:
            self.ratio = measured
        self._before = measured
        self._from = origin, arrived
