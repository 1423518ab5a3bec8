"""What the service says of time: once when it changes, and all of it in the report."""

from dataclasses import dataclass, field
from fractions import Fraction

import pytest

from relip.clock.kernel import Kernel, Steering
from relip.clock.ptp import TaiClock
from relip.essence.tai import NS_PER_S, grain_start
from relip.graph.hearing import voice_timeline
from relip.graph.timeline import Timeline
from relip.service.clocks import Clocks

pytestmark = pytest.mark.unit

RATE = Fraction(25)
T0 = grain_start(44_000_000_000, RATE)
MS = 1_000_000


class Host(Kernel):
    """A steered kernel at one instant."""

    said = Steering(synchronised=True, max_error_us=40, est_error_us=1, tai_offset_s=37)

    def utc(self):
        return T0.ns

    def tai(self):
        return T0.ns + self.said.tai_offset_s * NS_PER_S

    def monotonic(self):
        return 0

    def steering(self):
        return self.said


@dataclass
class Parts:
    """Of a service, what the clocks look at."""

    clock: TaiClock
    by_arrival: bool = False
    senders: dict = field(default_factory=lambda: {"video": Timeline(RATE), "voice": voice_timeline(Fraction(1, 1000))})


class Log:
    def __init__(self):
        self.lines = []

    def warning(self, event, **said):
        self.lines.append((event, said["of"], said["note"]))

    info = warning


@pytest.fixture
def house():
    host = Host()
    parts, log = Parts(TaiClock(kernel=host)), Log()
    return host, parts, log, Clocks(parts, log)


def test_while_all_is_well_nothing_is_logged(house):
    _, parts, log, clocks = house
    parts.senders["video"].place(T0, T0.after(36 * MS))
    for _ in range(3):
        clocks.look()
    assert log.lines == []
    assert clocks.senders()["video"].locked
    assert clocks.senders()["voice"].locked is None
    told = clocks.clock()
    assert (told.locked, told.synchronised, told.max_error_us, told.notes) == (True, True, 40, [])


def test_the_37_seconds_are_told_once_and_stand_in_the_report(house):
    _, parts, log, clocks = house
    for k in range(200):
        parts.senders["video"].place(T0.after(k * 40 * MS), T0.after(37 * NS_PER_S + k * 40 * MS + 36 * MS))
        if k % 25 == 0:
            clocks.look()
    (line,) = log.lines
    assert line[:2] == ("time", "video")
    assert "UTC, not TAI: 37 s behind" in line[2]
    told = clocks.senders()["video"]
    assert (told.locked, told.behind_s) == (False, pytest.approx(37, abs=0.01))
    assert told.note == line[2]


def test_a_kernel_that_loses_its_steering_is_told_and_so_is_its_return(house):
    host, _, log, clocks = house
    clocks.look()
    host.said = Steering(synchronised=False, max_error_us=16_000_000, est_error_us=16_000_000, tai_offset_s=37)
    clocks.look()
    clocks.look()
    assert clocks.clock().synchronised is False
    host.said = Host.said
    clocks.look()
    assert [line[1] for line in log.lines] == ["clock", "clock"]
    assert "nothing steers" in log.lines[0][2]
    assert log.lines[1][2] == "all is well again"


@pytest.mark.parametrize("by_arrival", [False, True])
def test_a_voice_of_another_epoch_is_told_unless_it_is_laid_by_arrival(house, by_arrival):
    _, parts, log, clocks = house
    parts.by_arrival = by_arrival
    parts.senders["video"].place(T0, T0.after(36 * MS))
    parts.senders["voice"].place(T0, T0.after(500 * NS_PER_S))
    clocks.look()
    causes = [line[1] for line in log.lines]
    assert causes == (["voice"] if by_arrival else ["voice", "picture and voice"])
