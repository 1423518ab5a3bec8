"""What a configuration puts between the flows."""

import pytest

from relip import config
from relip.essence.errors import FormatError, ResourceError
from relip.essence.formats import video_format
from relip.graph.delay import delay_without_voice
from relip.service.compose.ends import tai_clock
from relip.service.compose.graphs import Nothing, graph_of, merge_window_ns, rest_ns

pytestmark = pytest.mark.unit

FORMAT = video_format("1080p50")
VIDEO, VOICE, OUT = ({"destination": f"239.1.1.{n}", "port": 5004} for n in (1, 2, 3))


def asked(tmp_path, **sections):
    keys = {"video": {**VIDEO, "format": "1080p50"}, "voice": VOICE, "output": {"video": OUT}, **sections}
    return config.parse({**keys, "models": {"cache": str(tmp_path)}}, where="the test")


def test_bypass_needs_no_face_nets_and_keeps_the_latency_of_the_dub(tmp_path):
    graph = graph_of(asked(tmp_path, lip_sync={"bypass": True}), FORMAT, clock=tai_clock())
    assert isinstance(graph, Nothing)
    assert graph.delay.frames == 9


def test_bypass_may_be_as_short_as_one_frame(tmp_path):
    graph = graph_of(asked(tmp_path, lip_sync={"bypass": True}, latency={"frames": 1}), FORMAT, clock=tai_clock())
    assert graph.delay.frames == 1


def test_a_dub_may_not_and_needs_its_nets(tmp_path, face_models):
    with pytest.raises(ResourceError, match="models build"):
        graph_of(asked(tmp_path), FORMAT, clock=tai_clock())
    with pytest.raises(FormatError, match=r"latency\.frames=1: .* at least 9 frames"):
        graph_of(asked(face_models, latency={"frames": 1}), FORMAT, clock=tai_clock())


@pytest.mark.parametrize(("frames", "window_ns"), [(9, 50_000_000), (4, 50_000_000), (2, 18_000_000), (1, 0)])
def test_an_incomplete_frame_waits_no_longer_than_its_latency_allows(frames, window_ns):
    assert merge_window_ns(delay_without_voice(FORMAT.rate, frames), FORMAT) == window_ns


def test_only_a_frame_that_is_due_when_it_is_complete_is_looked_for_all_the_time():
    assert [rest_ns(delay_without_voice(FORMAT.rate, frames)) for frames in (1, 2)] == [0, 3_000_000]
