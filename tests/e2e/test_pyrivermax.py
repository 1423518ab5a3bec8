"""The shim of Rivermax is built where the SDK is, and what is missing elsewhere is said in a way that can be acted on."""

import shutil
import subprocess
import sys

import pytest

import pyrivermax
from pyrivermax import building, shim
from pyrivermax.__main__ import main
from relip.clock.rivermax import RivermaxClock
from relip.essence.errors import ResourceError
from relip.essence.flow import Leg
from relip.transport.rivermax import RivermaxSink, RivermaxSource

pytestmark = pytest.mark.e2e

NOWHERE = r"the Rivermax shim is not built: .*install the SDK under its licence.*RIVERMAX_ROOT.*python -m pyrivermax build"


@pytest.fixture
def sdk(rivermax_root, tmp_path):
    """An SDK of which a test may take something away; not to be loaded, for its library has the name of another."""
    return shutil.copytree(rivermax_root, tmp_path / "sdk", symlinks=True)


@pytest.fixture(autouse=True)
def no_sdk(monkeypatch, tmp_path):
    """A machine without SDK, licence or shim."""
    monkeypatch.delenv(building.ROOT, raising=False)
    monkeypatch.setattr(building, "PACKAGED", ())
    monkeypatch.setenv(shim.PLACE, str(tmp_path / "libpyrivermax.so"))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: RivermaxSource(Leg("239.0.0.1", 5004)),
        lambda: RivermaxSink("v=0", sizes=None),
        lambda: RivermaxClock("127.0.0.1"),
    ],
    ids=["source", "sink", "clock"],
)
def test_without_a_shim_asking_for_rivermax_says_what_to_do(ask):
    with pytest.raises(ResourceError, match=NOWHERE):
        ask()


def test_importing_needs_no_sdk():
    done = subprocess.run([sys.executable, "-c", "import pyrivermax, relip.transport.rivermax"], check=False)
    assert done.returncode == 0


def test_without_an_sdk_nothing_is_built_and_the_reason_is_one_line(capsys, tmp_path):
    assert main(["build"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("no rivermax_api.h is installed and RIVERMAX_ROOT is not set.")
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("gone", "named"), [("include", "include/rivermax_api.h"), ("lib", "lib/librivermax.so")])
def test_an_sdk_of_which_a_part_is_missing_is_refused_by_that_part(sdk, gone, named, capsys):
    shutil.rmtree(sdk / gone)
    assert main(["build", "--root", str(sdk)]) == 1
    assert f"{sdk} has no {named}" in capsys.readouterr().err


def test_a_compiler_that_is_not_there_is_named(sdk, monkeypatch, capsys):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert main(["build", "--root", str(sdk)]) == 1
    assert capsys.readouterr().err == "no C++ compiler (no-such-compiler): install one, or name it in CXX\n"


def test_an_sdk_that_the_shim_does_not_agree_with_shows_what_the_compiler_said(sdk, capsys):
    header = sdk / "include" / "rivermax_api.h"
    header.write_text(header.read_text("utf-8").replace("rmx_input_attach_flow", "rmx_input_attach_another"), "utf-8")
    assert main(["build", "--root", str(sdk)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"the shim does not compile against the SDK in {header.parent}:")
    assert "rmx_input_attach_flow" in said


def test_a_place_that_cannot_be_written_is_named(sdk, tmp_path, capsys):
    (tmp_path / "file").touch()
    for output in (tmp_path / "file" / "shim.so", sdk):
        assert main(["build", "--root", str(sdk), "--output", str(output)]) == 1
        said = capsys.readouterr().err
        assert said.startswith(f"{output}: the shim cannot be written: ")
        assert said.count("\n") == 1


def test_from_clean_the_shim_is_built_and_answers(rivermax_root, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv(building.ROOT, str(rivermax_root))
    assert main(["build"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'libpyrivermax.so'}\n"
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "fake 9.9 of the tests\n"
    assert [path.name for path in tmp_path.iterdir()] == ["libpyrivermax.so"]


def test_a_check_says_that_the_licence_is_missing(cards, capsys):
    cards.inject("rmx_init", 309)
    assert main(["check"]) == 1
    said = capsys.readouterr()
    assert said.out == "fake 9.9 of the tests\n"
    assert said.err.startswith("rmx_init gave status 309 (RMX_LICENSE_ISSUE): is there a valid licence (RIVERMAX_LICENSE_PATH)")
    cards.inject("rmx_init", 309, 0)
    assert main(["check"]) == 0
    assert cards.calls()[-2:] == ["rmx_init", "rmx_cleanup"]


def test_a_build_warns_of_nothing(sdk, monkeypatch, tmp_path):
    monkeypatch.setattr(building, "FLAGS", (*building.FLAGS, "-Werror"))
    assert building.build(tmp_path / "strict.so", root=sdk).exists()


def test_a_shim_of_another_version_is_refused(rivermax_root, monkeypatch, tmp_path):
    building.build(tmp_path / "libpyrivermax.so", root=rivermax_root)
    monkeypatch.setattr(shim, "ABI", 0)
    with pytest.raises(pyrivermax.Unavailable, match="was built from another version of this package"):
        pyrivermax.load()


def test_a_file_that_is_no_shim_is_refused(tmp_path):
    (tmp_path / "libpyrivermax.so").write_bytes(b"no library")
    with pytest.raises(pyrivermax.Unavailable, match="the Rivermax shim cannot be loaded: "):
        pyrivermax.load()


def test_a_package_that_puts_the_header_elsewhere_is_found(sdk, monkeypatch):
    monkeypatch.setattr(building, "PACKAGED", (sdk / "include",))
    assert building.find_sdk(None) == (sdk / "include", None)
