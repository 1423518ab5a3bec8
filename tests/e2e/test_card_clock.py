"""The clock of a card, against the stand-in of the vendor's library (see test_rivermax)."""

import pytest

from relip.clock.rivermax import RivermaxClock
from relip.essence.errors import ResourceError
from relip.essence.tai import Tai
from rivermax_sdk import MISUSE, NO_DEVICE, STATUS

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("cards")]


def test_the_cards_clock_is_tai_and_waits(cards):
    cards.set_time(1_800_000_000_000_000_000)
    clock = RivermaxClock("127.0.0.1")
    now = clock.now()
    assert now == Tai(1_800_000_000_000_000_000)
    clock.wait_until(now.after(50_000))
    assert clock.now() >= now.after(50_000)
    clock.wait_until(now)
    clock.close()
    clock.close()
    steps = ["rmx_retrieve_device_iface_ipv4", "rmx_use_ptp_clock", "rmx_check_clock_steady"]
    assert cards.calls() == ["rmx_init", *steps, "rmx_cleanup"]


def test_a_clock_that_needs_a_while_is_waited_for(cards):
    cards.inject("rmx_check_clock_steady", STATUS["busy"], 5)
    RivermaxClock("127.0.0.1").close()
    assert cards.calls().count("rmx_check_clock_steady") == 6


@pytest.mark.parametrize(
    ("step", "status", "said"),
    [
        ("rmx_retrieve_device_iface_ipv4", NO_DEVICE, "no card that Rivermax supports has this address"),
        ("rmx_use_ptp_clock", 308, r"RMX_NOT_IMPLEMENTED\): the PTP clock of a card needs a ConnectX-6 Dx"),
        ("rmx_check_clock_steady", MISUSE, "does ptp4l run on this interface"),
    ],
)
def test_a_clock_that_cannot_be_had_says_why(cards, step, status, said):
    cards.inject(step, status)
    with pytest.raises(ResourceError, match=f"no PTP clock at 127.0.0.1 by Rivermax: .*{said}"):
        RivermaxClock("127.0.0.1")
    assert cards.calls()[-1] == "rmx_cleanup"


def test_a_clock_that_stops_answering_is_an_error_and_not_a_time(cards):
    clock = RivermaxClock("127.0.0.1")
    cards.inject("rmx_get_time", STATUS["completion"])
    with pytest.raises(ResourceError, match="the card's clock cannot be read: rmx_get_time"):
        clock.now()
    clock.close()
