"""Nets on a real Triton server: the same numbers as in the process, and what happens when it is slow, gone, or another one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc

from media_files import noise as media_noise
from media_files import tone, write_picture, write_sound
from pictures import packed
from relip.config import LipSync, Models, Triton, TritonTls
from relip.essence.errors import ModelError, ResourceError
from relip.essence.formats import VideoFormat
from relip.essence.scene import Bypass
from relip.inference.onnx import OnnxModel
from relip.inference.triton import TritonModel
from relip.inference.triton_client import Server
from relip.offline.container import read_voice
from relip.offline.dubbing import dub, lay
from relip.service import cli
from relip.service.compose import engines
from relip.weights import cache, repository, shipped
from relip.weights.triton_config import Hosting
from talker import SIZE, shot
from triton_peer import TritonPeer, account, answered, free_port, refused, tls_before

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PATIENT_S = 10.0
FORM = VideoFormat(SIZE, SIZE, Fraction(25))
MAKE_CERTIFICATE = [
    *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
    *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
]
NETS = [*cache.NETS, *shipped.NETS]


def place(name):
    return cache.locate(name) if name in cache.NETS else shipped.locate(name)


@pytest.fixture(scope="module")
def models(face_models, tmp_path_factory):  # noqa: ARG001  there would be no repository without them
    """A repository as the command writes it, with one more net whose requests wait for each other."""
    folder = tmp_path_factory.mktemp("repository")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "mine.onnx").write_bytes(shipped.locate(shipped.ARTICULATIONS[40]).read_bytes())
        asked = [str(folder / "models"), "--backend", "python", "--net", str(folder / "mine.onnx")]
        patch.setattr(sys, "argv", ["relip", "models", "repository", *asked])
        cli.main()
    waiting = Hosting(backend="python", delay_us=200_000, batch=2)
    repository.write(folder / "models", {"joined": shipped.locate(shipped.ARTICULATION)}, waiting)
    return folder / "models"


@pytest.fixture(scope="module")
def server(models, tmp_path_factory):
    peer = TritonPeer(models, tmp_path_factory.mktemp("server"))
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A repository of one net, for servers that tests treat badly."""
    folder = tmp_path_factory.mktemp("small")
    repository.write(folder, {"sync": shipped.locate(shipped.SYNC)}, Hosting(backend="python"))
    return folder


@pytest.fixture
def victim(small, tmp_path):
    peer = TritonPeer(small, tmp_path)
    yield peer
    peer.kill()


@pytest.fixture
def ask():
    """Makes models, and closes them."""
    made = []

    def one(peer, name, *, protocol="grpc", memory="system", timeout_s=PATIENT_S):
        server = Server(peer.url(protocol), protocol=protocol, memory=memory)
        made.append(TritonModel(server, name, timeout_s=timeout_s))
        return made[-1]

    yield one
    for model in made:
        model.close()


def noise(signature, *, seed=0, free=230, batch=1):
    rng = np.random.default_rng(seed)
    shapes = [[n if n > 0 else (batch if axis == 0 else free) for axis, n in enumerate(s.shape)] for s in signature.inputs]
    return [rng.random(shape, np.float32) for shape in shapes]


def ours():
    """Shared memory of this process that has a name."""
    return [path.name for path in Path("/dev/shm").glob(f"relip-{os.getpid()}-*")]


@pytest.mark.parametrize("memory", ["system", "none"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("name", NETS)
def test_a_net_says_and_answers_the_same_to_the_bit_as_in_the_process(server, ask, name, protocol, memory):
    here, there = OnnxModel(place(name)), ask(server, Path(name).stem, protocol=protocol, memory=memory)
    assert there.signature == here.signature
    for seed, free in enumerate((230, 230, 231, 230, 400)):
        inputs = noise(here.signature, seed=seed, free=free)
        for mine, theirs in zip(here.infer(inputs), there.infer(inputs), strict=True):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype


def test_a_free_first_axis_takes_any_length(server, ask):
    here, there = OnnxModel(shipped.locate(shipped.SYNC)), ask(server, "sync")
    for batch in (1, 5, 8, 5):
        inputs = noise(here.signature, seed=batch, batch=batch)
        for mine, theirs in zip(here.infer(inputs), there.infer(inputs), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-6)


@pytest.mark.parametrize("memory", ["system", "none"])
def test_results_belong_to_the_caller(server, ask, memory):
    model = ask(server, "sync", memory=memory)
    model.infer(noise(model.signature))
    first = model.infer(noise(model.signature, seed=1))
    kept = [result.copy() for result in first]
    model.infer(noise(model.signature, seed=2))
    for before, after in zip(kept, first, strict=True):
        np.testing.assert_array_equal(before, after)
        after[:] = 0  # nobody's read-only view


def test_memory_is_registered_once_and_unlinked_at_the_end(server, ask):
    before = set(ours())
    model = ask(server, "sync")
    for seed in range(6):
        model.infer(noise(model.signature, seed=seed))
        if seed == 0:
            registered = set(ours()) - before
    assert len(registered) == 4  # two inputs, two outputs
    assert set(ours()) - before == registered
    status = tritonclient.grpc.InferenceServerClient(server.grpc).get_system_shared_memory_status(as_json=True)
    assert registered <= set(status["regions"])
    model.close()
    assert set(ours()) == before
    with tritonclient.grpc.InferenceServerClient(server.grpc) as client:
        status = client.get_system_shared_memory_status(as_json=True)
    assert not registered & set(status.get("regions", {}))
    with pytest.raises(ModelError, match="closed"):
        model.infer(noise(model.signature))


def test_a_program_that_ends_without_closing_leaves_no_memory_behind(server):
    program = f"""
        import os
        import numpy as np
        from relip.inference.triton import TritonModel
        from relip.inference.triton_client import Server
        model = TritonModel(Server("{server.grpc}"), "sync", timeout_s=5)
        model.infer([np.zeros((1, 2, 11), np.float32), np.zeros((1, 80, 44), np.float32)])
        print(*[name for name in os.listdir("/dev/shm") if name.startswith(f"relip-{{os.getpid()}}-")])
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True, text=True, timeout=60
    )
    made = ended.stdout.split()
    assert len(made) == 4
    assert not any(Path("/dev/shm", name).exists() for name in made)


def test_requests_of_two_services_are_joined_and_each_gets_its_own_answer(server, ask):
    here = OnnxModel(shipped.locate(shipped.ARTICULATION))
    services = [ask(server, "joined") for _ in range(2)]
    for model in services:
        model.infer(noise(here.signature))
    before = account(services[0], requests=2)
    wanted = [noise(here.signature, seed=k) for k in range(2)]
    came = [None, None]

    def one(k):
        came[k] = services[k].infer(wanted[k])[0]

    threads = [threading.Thread(target=one, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for inputs, result in zip(wanted, came, strict=True):
        np.testing.assert_allclose(result, here.infer(inputs)[0], atol=2e-5)
    after = account(services[0], requests=before.requests + 2)
    assert after.requests - before.requests == 2
    assert after.executions - before.executions == 1
    assert after.busy_ns > before.busy_ns


def test_inputs_that_do_not_fit_are_told_without_losing_the_server(server, ask):
    model = ask(server, "face_mesh")
    with pytest.raises(ModelError, match=r"input image is float32 \(1, 128, 128, 3\), not float32 \(1, 192, 192, 3\)"):
        model.infer([np.zeros((1, 128, 128, 3), np.float32)])
    model.infer(noise(model.signature))


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_server_that_is_not_there_is_told_with_its_address(protocol):
    url = f"127.0.0.1:{free_port()}"
    with pytest.raises(ResourceError, match=f"no Triton server answers at {url} by {protocol}"):
        TritonModel(Server(url, protocol=protocol), "sync", timeout_s=1)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_model_that_is_not_there_is_told_by_its_name(server, ask, protocol):
    with pytest.raises(ResourceError, match=r"no model mouths that is ready: .*relip models repository"):
        ask(server, "mouths", protocol=protocol)


def test_memory_of_a_gpu_is_refused_where_there_is_none(server, ask):
    if Path("/dev/nvidia0").exists():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ResourceError, match=r"models\.triton\.shared_memory=cuda needs a GPU"):
        ask(server, "sync", memory="cuda")


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_killed_server_is_a_model_error_and_one_that_comes_back_is_found_without_a_restart(victim, ask, protocol):
    here = OnnxModel(shipped.locate(shipped.SYNC))
    model = ask(victim, "sync", protocol=protocol, timeout_s=1.0)
    inputs = noise(here.signature)
    for _ in range(2):
        model.infer(inputs)
    victim.kill()
    for _ in range(3):
        with pytest.raises(ModelError, match=f"sync on {model._server.url}"):
            model.infer(inputs)
    victim.start()
    for mine, theirs in zip(here.infer(inputs), answered(model, inputs), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_late_answer_costs_its_request_alone_and_what_is_written_late_harms_nobody(victim, ask):
    here = OnnxModel(shipped.locate(shipped.SYNC))
    model = ask(victim, "sync", timeout_s=0.2)
    first, second = noise(here.signature), noise(here.signature, seed=1)
    for _ in range(2):
        model.infer(first)
    used = set(ours())
    victim.signal(signal.SIGSTOP)
    with pytest.raises(ModelError, match="Deadline"):
        model.infer(first)
    victim.signal(signal.SIGCONT)
    for _ in range(3):
        for mine, theirs in zip(here.infer(second), model.infer(second), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert used < set(ours()), "the late request's memory rests, and another set has taken its place"


def test_a_server_that_hangs_is_given_up_after_some_requests_and_found_again(victim, ask):
    here = OnnxModel(shipped.locate(shipped.SYNC))
    model = ask(victim, "sync", timeout_s=0.2)
    inputs = noise(here.signature)
    for _ in range(2):
        model.infer(inputs)
    lost = set(ours())
    victim.signal(signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(ModelError, match="Deadline"):
            model.infer(inputs)
    assert time.monotonic() - began < 5  # a server that hangs would never answer
    with pytest.raises(ModelError, match="sought again"):
        model.infer(inputs)
    victim.signal(signal.SIGCONT)
    for mine, theirs in zip(here.infer(inputs), answered(model, inputs), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert lost <= set(ours()), "memory that the server may still write to is kept"
    assert set(ours()) - lost, "and none of it is used again"
    model.close()
    assert not ours()


def test_equal_failures_are_told_in_equal_words(victim, ask):
    models = [ask(victim, "sync") for _ in range(2)]
    inputs = noise(models[0].signature)
    for model in models:
        model.infer(inputs)
    victim.kill()
    victim.start()  # so soon that the connection may live, and the memory is unknown
    said = set()
    for model in models:
        with pytest.raises(ModelError) as told:
            model.infer(inputs)
        said.add(str(told.value))
    assert len(said) == 1
    assert "relip-" not in said.pop()


def test_a_server_that_comes_back_with_another_net_stays_shut_out(ask, tmp_path):
    folder = tmp_path / "repository"
    repository.write(folder, {"net": shipped.locate(shipped.SYNC)}, Hosting(backend="python"))
    peer = TritonPeer(folder, tmp_path)
    model = ask(peer, "net")
    inputs = noise(model.signature)
    model.infer(inputs)
    peer.kill()
    repository.write(folder, {"net": shipped.locate(shipped.ARTICULATION)}, Hosting(backend="python"))
    with pytest.raises(ModelError):
        model.infer(inputs)
    peer.start()
    refused(model, inputs, "another net")
    peer.kill()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A folder with a server's, a client's and another's certificate and key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("server", "client", "another"):
        command = [*MAKE_CERTIFICATE, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
        made = subprocess.run(command, check=False, capture_output=True, timeout=60)
        assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def secured(small, certificates, tmp_path_factory):
    """The addresses of a server that wants to know its clients; over HTTP that is the business of what stands before it."""
    files = (("cert", "server.pem"), ("key", "server.key"))
    given = [f"--grpc-server-{what}={certificates / name}" for what, name in files]
    options = ("--grpc-use-ssl-mutual=1", f"--grpc-root-cert={certificates / 'client.pem'}", *given)
    peer = TritonPeer(small, tmp_path_factory.mktemp("secured"), options=options)
    with tls_before(peer.http, certificates) as http:
        yield {"grpc": peer.grpc, "http": http}
    peer.kill()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_secured_server_is_spoken_to_and_knows_who_speaks(secured, certificates, protocol):
    us = {"certificate": certificates / "client.pem", "key": certificates / "client.key"}
    tls = TritonTls(root=certificates / "server.pem", **us)
    keys = Triton(url=secured[protocol], protocol=protocol, tls=tls)
    model = TritonModel(engines.triton.server(keys), "sync", timeout_s=PATIENT_S)
    assert model.infer(noise(model.signature))[0].shape == (1, 48)
    model.close()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize(("root", "us"), [("server", None), ("server", "another"), ("another", "client")])
def test_who_does_not_trust_the_other_does_not_talk(secured, certificates, protocol, root, us):
    own = {} if us is None else {"certificate": certificates / f"{us}.pem", "key": certificates / f"{us}.key"}
    tls = TritonTls(root=certificates / f"{root}.pem", **own)
    keys = Triton(url=secured[protocol], protocol=protocol, tls=tls)
    with pytest.raises(ResourceError, match="no Triton server answers"):
        TritonModel(engines.triton.server(keys), "sync", timeout_s=PATIENT_S)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_certificate_that_is_not_there_is_told_by_its_file(protocol, tmp_path):
    keys = Triton(protocol=protocol, tls=TritonTls(root=tmp_path / "absent.pem"))
    with pytest.raises(ResourceError, match=r"models.triton.tls: .*absent.pem"):
        TritonModel(engines.triton.server(keys), "sync", timeout_s=1)


@pytest.fixture(scope="module")
def scene():
    portrait = pytest.importorskip("skimage.data", reason="the portrait is part of the extra demo").astronaut()
    with as_file(files("relip.peers") / "assets" / "voice.flac") as path:
        voice = read_voice(path)
    return [packed(shot(portrait, k, zoom=0.5)) for k in range(60)], voice


def served(peer, **keys):
    return Models(backend="triton", triton=Triton(url=peer.grpc, **keys))


def test_a_dub_through_triton_is_the_dub_of_the_process_octet_for_octet(server, scene):
    frames, voice = scene
    here = engines.chain_for_files(LipSync(), engines.load_nets(Models(), 120), FORM)
    nets = engines.load_nets(served(server), 120)
    there = engines.chain_for_files(LipSync(), nets, FORM)
    altered = 0
    for k, (mine, theirs) in enumerate(zip(dub(frames[:30], voice, here), dub(frames[:30], voice, there), strict=True)):
        assert mine.verdict.bypass == theirs.verdict.bypass
        np.testing.assert_array_equal(lay(mine), lay(theirs), err_msg=f"frame {k}")
        altered += theirs.verdict.patch is not None
    assert altered > 20
    assert there.tally.failures == {}
    nets.close()


def test_frames_pass_untouched_and_counted_while_the_server_is_away_and_are_altered_again_after(models, scene, tmp_path):
    frames, voice = scene
    peer = TritonPeer(models, tmp_path)
    nets = engines.load_nets(served(peer), 120)
    chain = engines.chain_for_files(LipSync(), nets, FORM)
    told = []

    def played():
        for k, frame in enumerate(frames):
            if k == 20:
                peer.kill()
            if k == 30:
                peer.start()
                for model in (nets.detector, nets.mesh):
                    answered(model, noise(model.signature))
                net = nets.articulation
                answered(net._model, [np.zeros((1, 80, net.columns(0, 1920)[1]), np.float32)])
            yield frame

    try:
        for k, take in enumerate(dub(played(), voice, chain)):
            told.append(take.verdict.bypass)
            if take.verdict.bypass is not None:
                np.testing.assert_array_equal(lay(take), frames[k], err_msg=f"frame {k}")
    finally:
        peer.kill()
        nets.close()
    assert len(told) == len(frames)
    assert told[19 - 8] is None
    assert told[20:30] == [Bypass.MODEL] * 10
    assert told[-1] is None
    assert all("on 127.0.0.1" in said for said in chain.tally.failures)


def test_a_net_that_is_not_the_one_of_this_installation_is_refused(server, tmp_path):
    other = tmp_path / "articulation.onnx"
    other.write_bytes(shipped.locate(shipped.ARTICULATIONS[40]).read_bytes())
    asked = Models(backend="triton", articulation=other, triton=Triton(url=server.grpc))
    with pytest.raises(ResourceError, match=r"articulation on the Triton server at .* is not the net in .*articulation.onnx"):
        engines.load_nets(asked, 120)
    assert not ours()


def test_a_net_of_the_operators_own_is_served_by_the_name_of_its_file(server, models):
    asked = Models(backend="triton", articulation=models.parent / "mine.onnx", triton=Triton(url=server.grpc))
    nets = engines.load_nets(asked, 120)
    assert nets.articulation.look_ahead_ns == 40_000_000
    assert nets.notes == (f"the nets run on the Triton server at {server.grpc} (grpc, shared memory: system)",)
    nets.close()


def test_two_nets_of_one_name_are_refused(monkeypatch, capsys, tmp_path, face_models):  # noqa: ARG001  they come first
    (tmp_path / "sync.onnx").write_bytes(shipped.locate(shipped.SYNC).read_bytes())
    asked = [str(tmp_path / "models"), "--net", str(tmp_path / "sync.onnx")]
    monkeypatch.setattr(sys, "argv", ["relip", "models", "repository", *asked])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert "Relip has a net called sync" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_the_command_names_a_server_that_is_away_in_one_line(monkeypatch, capsys, tmp_path):
    url = f"127.0.0.1:{free_port()}"
    (tmp_path / "relip.yaml").write_text(f"models: {{backend: triton, triton: {{url: '{url}'}}}}")
    write_picture(tmp_path / "talker.mkv", media_noise(2, SIZE, SIZE))
    write_sound(tmp_path / "voice.wav", tone(1.0))
    monkeypatch.setattr(sys, "argv", ["relip", "dub", "talker.mkv", "voice.wav", "-o", "out.mkv", "--config", "relip.yaml"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    assert f"no Triton server answers at {url}" in capsys.readouterr().err


def test_the_benchmark_tells_every_net_in_both_places_and_services_that_share_the_server(server, monkeypatch, capsys, tmp_path):
    (tmp_path / "relip.yaml").write_text(f"models: {{triton: {{url: '{server.grpc}'}}}}")
    asked = ["--config", str(tmp_path / "relip.yaml"), "--requests", "30", "--services", "2", "--json", "-"]
    monkeypatch.setattr(sys, "argv", ["relip", "bench", "inference", *asked])
    cli.main()
    told = json.loads(capsys.readouterr().out)
    assert told["server"]["url"] == server.grpc
    assert [one["net"] for one in told["nets"]] == ["face_detector", "face_mesh", "articulation"]
    for one in told["nets"]:
        assert one["equal"]
        assert 0 < one["triton_p50_ms"] <= one["triton_p99_ms"]
        assert one["added_p50_ms"] == pytest.approx(one["triton_p50_ms"] - one["here_p50_ms"], abs=0.002)
    assert [one["services"] for one in told["shared"]] == [1, 2]
    assert told["shared"][0]["joined"] == 1
    assert 1 <= told["shared"][1]["joined"] <= 2
    assert not ours()
