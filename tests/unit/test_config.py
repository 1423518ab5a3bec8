"""The configuration at the edge: what is taken, and how a wrong key is told."""

from fractions import Fraction

import pytest
import yaml

from relip import config
from relip.essence.errors import FormatError, ResourceError
from relip.service.compose.triton import PATIENCE_S, budget_s
from relip.service.send import PAYLOAD_TYPES
from relip.wire import disclosure

pytestmark = pytest.mark.unit

KEYS = {
    "video": {"destination": "239.1.1.1", "port": 5004, "format": "1080p25"},
    "voice": {"destination": "239.1.1.2", "port": 5006},
    "output": {"video": {"destination": "239.1.1.3", "port": 5008}},
}
OUT = KEYS["output"]["video"]


def keys(**sections):
    return {**KEYS, **sections}


def test_the_least_configuration_is_enough_and_its_defaults_are_the_safe_ones():
    read = config.parse(KEYS, where="here")
    assert not read.lip_sync.bypass
    assert read.output.timestamps == "preserve"
    assert read.output.disclosure is None
    assert read.latency.frames is None
    assert read.voice.align == "timestamps"
    assert (read.clock.tai_offset, read.clock.ts_refclk) == (37, None)
    assert not read.output.overlay
    assert {read.video.transport, read.voice.transport, read.output.video.transport} == {"udp"}
    assert (read.output.pacing.mode, read.output.pacing.lead_packets) == ("auto", None)


@pytest.mark.parametrize(
    ("sections", "named"),
    [
        ({"vidoe": {}}, "vidoe"),
        ({"lip_sync": {"amplitude": 9}}, "lip_sync.amplitude"),
        ({"lip_sync": {"max_open": 0.6}}, "lip_sync.max_open"),
        ({"lip_sync": {"smoothing_ms": -1}}, "lip_sync.smoothing_ms"),
        ({"lip_sync": {"look_ahead_ms": 100}}, "lip_sync.look_ahead_ms"),
        ({"lip_sync": {"head_movement_speed": 2}}, "lip_sync.head_movement_speed"),
        ({"voice": {"destination": "239.1.1.2"}}, "voice: .*port"),
        ({"voice": {"sdp": "a.sdp", "port": 1, "destination": "239.1.1.1"}}, "voice: .*either"),
        ({"video": {"destination": "239.1.1.1", "port": 5004}}, "video: .*format"),
        ({"video": {"sdp": "a.sdp", "payload_type": 96}}, "video: .*payload_type"),
        ({"video": {**KEYS["video"], "rate": "25"}}, "video: .*rate goes with sdp"),
        ({"video": {"sdp": "a.sdp", "rate": "59.94"}}, "video.rate"),
        ({"video": {"sdp": "a.sdp", "rate": 59.94}}, "video.rate"),
        ({"video": {"sdp": "a.sdp", "rate": "25/0"}}, "video.rate"),
        ({"voice": {"sdp": "a.sdp", "depth": 24, "channels": 2}}, "voice: .*channels, depth"),
        ({"output": {}}, "output.video"),
        ({"output": {"video": {"destination": "studio", "port": 5008}}}, "output.video.destination"),
        ({"output": {**KEYS["output"], "pacing": {"mode": "narrow"}}}, "output.pacing.mode"),
        ({"output": {**KEYS["output"], "pacing": {"lead_packets": 0}}}, "output.pacing.lead_packets"),
        ({"video": {**KEYS["video"], "transport": "dpdk"}}, "video.transport"),
        (
            {"output": {"video": {**KEYS["output"]["video"], "transport": "rivermax"}, "pacing": {"mode": "spin"}}},
            "output: .*the card paces",
        ),
        ({"sockets": {"receive_buffer": "much"}}, "sockets.receive_buffer"),
        ({"sockets": {"receive_buffer": 5_000_000_000}}, "sockets.receive_buffer"),
        (
            {"voice": {**KEYS["voice"], "redundant": {"destination": "239.1.1.2", "port": 5006}}},
            "voice: .*redundant: this is the first leg again",
        ),
        (
            {"output": {"video": {**OUT, "redundant": {**OUT, "interface": "127.0.0.1"}}}},
            "output.video: .*redundant: this is the first leg again",
        ),
        ({"output": {"video": OUT, "voice": OUT}}, "output.voice: 239.1.1.3:5008 on 127.0.0.1 is that of output.video"),
        ({"output": {"video": KEYS["voice"]}}, "output.video: 239.1.1.2:5006 on 127.0.0.1 is that of voice"),
        ({"voice": {"sdp": "a.sdp"}, "output": {"video": {**OUT, "sdp": "a.sdp"}}}, "output.video: sdp=a.sdp is that of voice"),
        ({"models": {"provider": "rocm"}}, "models.provider"),
        ({"models": {"backend": "tensorflow"}}, "models.backend"),
        ({"models": {"triton": {"url": "http://gpu:8000"}}}, "models.triton.url"),
        ({"models": {"triton": {"timeout_ms": 0}}}, "models.triton.timeout_ms"),
        ({"models": {"triton": {"tls": {"key": "k.pem"}}}}, "models.triton.tls: .*certificate and key go together"),
    ],
)
def test_a_wrong_key_or_value_is_told_by_its_name(sections, named):
    with pytest.raises(FormatError, match=named):
        config.parse(keys(**sections), where="relip.yaml")


@pytest.mark.parametrize(
    ("said", "rate"), [(25, Fraction(25)), ("50", Fraction(50)), ("60000/1001", Fraction(60000, 1001)), (None, None)]
)
def test_a_rate_may_stand_beside_a_transport_file(said, rate):
    assert config.parse(keys(video={"sdp": "a.sdp", "rate": said}), where="here").video.exact_rate == rate


def test_two_networks_may_carry_the_same_group_and_two_senders_may_share_one():
    second = {**OUT, "interface": "10.1.0.5"}
    apart = {"source": "10.0.0.1", "redundant": {"destination": "239.1.1.2", "port": 5006, "source": "10.1.0.1"}}
    read = config.parse(keys(voice={**KEYS["voice"], **apart}, output={"video": {**OUT, "redundant": second}}), where="here")
    assert len(read.output.video.places) == 2


def test_every_wrong_key_is_told_at_once():
    with pytest.raises(FormatError) as told:
        config.parse({"video": {}, "nonsense": 1}, where="relip.yaml")
    assert all(key in str(told.value) for key in ("video", "voice", "output", "nonsense"))


def test_the_environment_goes_before_the_file(monkeypatch):
    monkeypatch.setenv("RELIP_LIP_SYNC__BYPASS", "true")
    monkeypatch.setenv("RELIP_LATENCY__FRAMES", "7")
    read = config.parse(KEYS, where="here")
    assert read.lip_sync.bypass
    assert read.latency.frames == 7


@pytest.mark.parametrize("value", [None, 5, "text"])
def test_the_environment_cannot_add_a_key_to_what_is_no_section(monkeypatch, value):
    monkeypatch.setenv("RELIP_VIDEO__PORT", "5")
    with pytest.raises(FormatError, match="video: RELIP_VIDEO__PORT"):
        config.parse(keys(video=value), where="relip.yaml")


def test_a_variable_that_is_not_yaml_is_told_by_its_name(monkeypatch):
    monkeypatch.setenv("RELIP_VOICE__PORT", "[")
    with pytest.raises(FormatError, match="RELIP_VOICE__PORT"):
        config.parse(KEYS, where="relip.yaml")


def test_the_voice_is_expected_as_the_sender_sends_it():
    read = config.parse(KEYS, where="here")
    assert (read.video.payload_type, read.voice.payload_type) == (PAYLOAD_TYPES["video"], PAYLOAD_TYPES["voice"])


def test_paths_are_taken_from_the_folder_of_the_file(tmp_path):
    path = tmp_path / "relip.yaml"
    path.write_text(
        yaml.safe_dump(
            keys(video={"sdp": "in.sdp"}, report="out.json", models={"cache": "nets"}, lip_sync={"enrolments": ["a.relip"]})
        )
    )
    read = config.load(path)
    assert read.video.sdp == tmp_path / "in.sdp"
    assert read.lip_sync.enrolments == (tmp_path / "a.relip",)
    assert read.report == tmp_path / "out.json"
    assert read.models.cache == tmp_path / "nets"


@pytest.mark.parametrize("text", ["", "- a list", "a: [", "\x00"])
def test_a_file_that_is_no_mapping_is_told_by_its_name(tmp_path, text):
    path = tmp_path / "relip.yaml"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"relip\.yaml"):
        config.load(path)


def test_a_missing_file_is_told_by_its_name(tmp_path):
    with pytest.raises(ResourceError, match=r"none\.yaml"):
        config.load(tmp_path / "none.yaml")


def test_what_is_written_reads_back(tmp_path):
    path = tmp_path / "relip.yaml"
    before = config.parse(keys(lip_sync={"offset_ms": -20}), where="here")
    config.write(path, before)
    assert config.load(path) == before


def test_files_take_mouth_and_nets_from_any_configuration(tmp_path, monkeypatch):
    path = tmp_path / "relip.yaml"
    path.write_text(
        yaml.safe_dump(keys(lip_sync={"amplitude": 0.8, "offset_ms": 10, "enrolments": ["a.relip"]}, models={"cache": "nets"}))
    )
    monkeypatch.setenv("RELIP_LIP_SYNC__OFFSET_MS", "20")
    monkeypatch.setenv("RELIP_LIP_SYNC__SMOOTHING_MS", "30")
    read = config.settings(path, {"offset_ms": 40})
    assert (read.lip_sync.amplitude, read.lip_sync.smoothing_ms, read.lip_sync.offset_ms) == (0.8, 30, 40)
    assert read.models.cache == tmp_path / "nets"
    assert read.lip_sync.enrolments == (tmp_path / "a.relip",)


def test_without_a_configuration_files_take_the_defaults():
    assert config.settings(None, {}).lip_sync == config.LipSync()


@pytest.mark.parametrize(
    ("text", "named"), [("lipsync: {}", "lipsync"), ("lip_sync: {amplitude: 9}", r"lip_sync\.amplitude"), ("[]", "mapping")]
)
def test_a_wrong_key_of_the_settings_is_named(tmp_path, text, named):
    path = tmp_path / "relip.yaml"
    path.write_text(text)
    with pytest.raises(FormatError, match=named):
        config.settings(path, {})


def test_the_files_of_a_secured_triton_are_looked_for_beside_the_configuration(tmp_path):
    tls = {"root": "ca.pem", "certificate": "/etc/us.pem", "key": "us.key"}
    read = config.parse(keys(models={"backend": "triton", "triton": {"tls": tls}}), where="here", base=tmp_path)
    secured = read.models.triton.tls
    assert [secured.root, str(secured.certificate), secured.key] == [tmp_path / "ca.pem", "/etc/us.pem", tmp_path / "us.key"]


def test_a_live_request_to_triton_may_take_half_a_frame_and_one_for_a_file_can_wait():
    asked = config.Triton()
    assert budget_s(asked, Fraction(25)) == 0.02
    assert budget_s(asked, Fraction(60)) == pytest.approx(1 / 120)
    assert budget_s(config.Triton(timeout_ms=5), Fraction(25)) == 0.005
    assert budget_s(config.Triton(timeout_ms=5), None) == PATIENCE_S


@pytest.mark.parametrize("clock", [{"tai_offset": 9}, {"ts_refclk": "grandmaster"}, {"ts_refclk": "ptp=a b"}])
def test_a_clock_that_cannot_be_is_refused_by_its_key(clock):
    with pytest.raises(FormatError, match=f"clock.{next(iter(clock))}"):
        config.parse(keys(clock=clock), where="here")


def test_ancillary_data_needs_a_way_in_and_a_way_out():
    flow = {"destination": "239.1.1.9", "port": 5018}
    with pytest.raises(FormatError, match=r"give output\.ancillary or output\.disclosure"):
        config.parse(keys(ancillary=flow), where="here")
    with pytest.raises(FormatError, match="give ancillary, the flow that is to be sent on"):
        config.parse(keys(output={**KEYS["output"], "ancillary": flow}), where="here")
    for out in ("ancillary", "disclosure"):
        read = config.parse(keys(ancillary=flow, output={**KEYS["output"], out: {**flow, "port": 5020}}), where="here")
        assert read.ancillary.payload_type == PAYLOAD_TYPES["anc"]


def test_the_disclosure_s_identifiers_are_the_user_s_own_unless_the_keys_say_otherwise():
    flow = {"destination": "239.1.1.9", "port": 5018}
    out = {**KEYS["output"], "disclosure": flow}
    assert config.parse(keys(output=out), where="here").output.disclosure.did == disclosure.DID
    assert config.parse(keys(output=out), where="here").output.disclosure.sdid == disclosure.SDID
    told = {**flow, "did": 0x51, "sdid": 0x07}
    assert config.parse(keys(output={**KEYS["output"], "disclosure": told}), where="here").output.disclosure.did == 0x51
    with pytest.raises(FormatError, match=r"output\.disclosure\.did"):
        config.parse(keys(output={**KEYS["output"], "disclosure": {**flow, "did": 0}}), where="here")
