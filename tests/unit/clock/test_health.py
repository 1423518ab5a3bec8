"""What the kernel is asked about its clock, and what follows when somebody tells it something new while we run."""

from dataclasses import replace

import pytest

from relip.clock.kernel import Kernel, Steering
from relip.clock.ptp import TaiClock
from relip.essence.tai import NS_PER_S

pytestmark = pytest.mark.unit

BOOT_NS = 1_790_000_000 * NS_PER_S
STEERED = Steering(synchronised=True, max_error_us=40, est_error_us=1, tai_offset_s=37)
ALONE = Steering(synchronised=False, max_error_us=16_000_000, est_error_us=16_000_000, tai_offset_s=0)


class Host(Kernel):
    """A kernel whose clocks move by hand. Setting them is what phc2sys, chrony or an administrator does."""

    def __init__(self, said=STEERED):
        self.said = said
        self.up_ns = 0
        self.utc_ns = BOOT_NS

    def utc(self):
        return self.utc_ns

    def tai(self):
        return self.utc_ns + self.said.tai_offset_s * NS_PER_S

    def monotonic(self):
        return self.up_ns

    def sleep(self, ns):
        self.pass_(ns)

    def steering(self):
        return self.said

    def pass_(self, ns):
        self.up_ns += ns
        self.utc_ns += ns

    def tell(self, **changes):
        self.said = replace(self.said, **changes)


class Forbidden(Host):
    def steering(self):
        raise PermissionError(1, "seccomp")


def second_later(host, clock):
    before = clock.now()
    host.pass_(NS_PER_S)
    state = clock.look()
    return state, clock.now().since(before)


def test_a_steered_host_gives_no_cause_for_a_note():
    clock = TaiClock(kernel=Host())
    assert clock.locked
    assert clock.state.traceable
    assert clock.state.notes == ()
    assert clock.now().ns == BOOT_NS + 37 * NS_PER_S


def test_a_host_that_nobody_steers_counts_on_from_utc_and_says_both():
    clock = TaiClock(kernel=Host(ALONE))
    assert not clock.locked
    assert not clock.state.traceable
    assert clock.now().ns == BOOT_NS + 37 * NS_PER_S
    assert [note.split(":")[0] for note in clock.state.notes] == [
        "CLOCK_REALTIME + 37 s",
        "nothing steers this machine's clock",
    ]


def test_a_tai_offset_that_is_told_later_is_taken_without_a_jump():
    host = Host(ALONE)
    clock = TaiClock(kernel=host)
    host.tell(tai_offset_s=37, synchronised=True)
    state, went = second_later(host, clock)
    assert went == NS_PER_S
    assert clock.locked
    assert state.traceable
    assert state.steps == 0
    assert state.notes == ()


def test_another_offset_than_the_one_in_use_is_told_and_not_taken():
    host = Host(ALONE)
    clock = TaiClock(kernel=host)
    host.tell(tai_offset_s=36)
    state, went = second_later(host, clock)
    assert went == NS_PER_S
    assert not clock.locked
    assert "36 s, 37 s stay in use" in " ".join(state.notes)


def test_a_leap_second_sets_utc_and_not_tai():
    host = Host()
    clock = TaiClock(kernel=host)
    host.tell(leap=1)
    state, _ = second_later(host, clock)
    assert "leap second is inserted" in " ".join(state.notes)
    host.utc_ns -= NS_PER_S
    host.tell(leap=0, tai_offset_s=38)
    state, went = second_later(host, clock)
    assert went == NS_PER_S
    assert state.offset_s == 38
    assert state.steps == 0
    assert state.notes == ()


def test_an_offset_that_is_taken_away_leaves_the_clock_where_it_was():
    host = Host()
    clock = TaiClock(kernel=host)
    before = clock.now()
    host.tell(tai_offset_s=0)
    state, _ = second_later(host, clock)
    assert clock.now().since(before) == NS_PER_S
    assert not clock.locked
    assert state.steps == 1, "between two looks it was read as it stood"
    state, went = second_later(host, clock)
    assert (state.steps, went) == (1, NS_PER_S)


@pytest.mark.parametrize("by_ns", [-3 * NS_PER_S, NS_PER_S // 4])
def test_a_clock_that_was_set_is_counted_once_with_the_amount(by_ns):
    host = Host()
    clock = TaiClock(kernel=host)
    host.utc_ns += by_ns
    state, _ = second_later(host, clock)
    assert (state.steps, state.step_ns) == (1, by_ns)
    assert clock.look().steps == 1
    assert f"{by_ns / NS_PER_S:+.3f} s" in " ".join(state.notes)


def test_a_clock_that_is_steered_by_500_ppm_was_not_set():
    host = Host()
    clock = TaiClock(kernel=host)
    for _ in range(600):
        host.utc_ns += 500_000
        second_later(host, clock)
    assert clock.state.steps == 0


def test_a_sandbox_without_adjtimex_is_told_and_nothing_more():
    clock = TaiClock(kernel=Forbidden())
    assert clock.state.steering is None
    assert not clock.state.traceable
    assert "adjtimex is forbidden" in clock.state.notes[0]


def test_other_leap_seconds_stand_in_where_the_kernel_has_none():
    assert TaiClock(leap_seconds=38, kernel=Host(ALONE)).now().ns == BOOT_NS + 38 * NS_PER_S
    assert TaiClock(leap_seconds=38, kernel=Host()).now().ns == BOOT_NS + 37 * NS_PER_S


def test_waiting_sleeps_in_pieces_until_the_instant():
    host = Host()
    clock = TaiClock(kernel=host)
    due = clock.now().after(2 * NS_PER_S)
    clock.wait_until(due)
    assert clock.now() == due


def test_a_clock_that_is_set_back_while_somebody_waits_holds_nobody_up():
    class SetBack(Host):
        def sleep(self, ns):
            super().sleep(ns)
            if self.up_ns == ns:
                self.utc_ns -= 3600 * NS_PER_S

    host = SetBack()
    clock = TaiClock(kernel=host)
    clock.wait_until(clock.now().after(NS_PER_S))
    assert NS_PER_S <= host.up_ns < 2 * NS_PER_S


def test_this_kernel_answers():
    said = Kernel().steering()
    assert said.max_error_us >= 0
    assert said.leap in (-1, 0, 1)
    assert said.tai_offset_s == round((Kernel().tai() - Kernel().utc()) / NS_PER_S)
