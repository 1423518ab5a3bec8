"""Frames of another raster or another rate than ours: counted, and never shown."""

import numpy as np
import pytest

from flows import FORMAT, FRAME_NS, FRAME_TICKS, Receiver, Sender, run
from relip.essence.formats import VideoFormat
from relip.frames.assemble import OUTSIDE_LIMIT
from relip.transport.loopback import Link

pytestmark = pytest.mark.unit


def test_a_wider_raster_is_counted_and_never_shown():
    _, receiver = run(Link(), frames=3, sender=Sender(raster=VideoFormat(1440, 20, FORMAT.rate)))
    assert receiver.grains == []
    assert receiver.counters.other_format == 3
    assert receiver.counters.outside > 3 * OUTSIDE_LIMIT


def test_a_taller_raster_is_counted_and_never_shown_though_all_our_rows_are_there():
    _, receiver = run(Link(), frames=3, sender=Sender(raster=VideoFormat(720, 60, FORMAT.rate)))
    assert receiver.grains == []
    assert receiver.counters.other_format == 3
    assert receiver.counters.late == 0


@pytest.mark.parametrize(("width", "height"), [(720, 10), (360, 20), (360, 10)])
def test_a_smaller_raster_is_counted_and_never_shown(width, height):
    _, receiver = run(Link(), frames=3, sender=Sender(raster=VideoFormat(width, height, FORMAT.rate)))
    assert receiver.grains == []
    assert (receiver.counters.other_format, receiver.counters.dropped) == (2, 0)  # the first may have been joined late


def play_at(*places):
    """Whole frames with their timestamps at these places on the grid, in periods."""
    sender, receiver = Sender(), Receiver()
    start = sender.ticks
    for place in places:
        sender.ticks = start + round(place * FRAME_TICKS)
        receiver.push(sender.burst())
        receiver.wait(FRAME_NS)
    return sender, receiver


def test_timestamps_that_jitter_are_not_another_rate():
    jitter = np.random.default_rng(3).uniform(-0.3, 0.3, 60)
    sender, receiver = play_at(*(np.arange(60) + jitter))
    assert receiver.ticks == list(sender.sent)
    assert receiver.counters.other_format == 0


@pytest.mark.parametrize(("periods", "shown"), [(0.5, 2), (0.8, 5), (1.25, 4), (0.25, 2)])
def test_another_rate_is_found_out_when_it_has_strayed_a_period_and_left_with_the_first_frame_that_fits(periods, shown):
    off = np.arange(1, 10) * periods
    back = off[-1] + np.arange(1, 5)
    sender, receiver = play_at(0, *off, *back)
    given = list(sender.sent)
    assert receiver.ticks == [*given[:shown], *given[-4:]]
    assert receiver.counters.other_format == 10 - shown


@pytest.mark.parametrize("every", [2, 3])
def test_a_sender_that_leaves_frames_out_is_still_on_the_grid(every):
    sender, receiver = play_at(*range(0, 20, every))
    assert receiver.ticks == list(sender.sent)
    assert receiver.counters.absent == (len(sender.sent) - 1) * (every - 1)
