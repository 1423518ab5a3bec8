"""What every test shares: one category each, and things that lie outside the repository."""

import os
from pathlib import Path

import pytest

from relip.weights import cache

CATEGORIES = {"unit", "conformance", "e2e", "interop", "fuzz", "hardware"}
ROOT = Path(__file__).parents[1]
os.environ.setdefault("HOLOSCAN_LOG_LEVEL", "ERROR")  # before anything imports it
MEDIA = Path(os.environ.get("RELIP_MEDIA", ROOT.parent / "shared" / "media" / "grid-s1"))


def pytest_configure(config):
    # holoscan warns of an 8 MB stack at import; Python operators with numpy arrays stay far below it.
    config.addinivalue_line("filterwarnings", "ignore:Current stack size:RuntimeWarning")


def pytest_collection_modifyitems(items):
    for item in items:
        said = CATEGORIES & {mark.name for mark in item.iter_markers()}
        if len(said) != 1:
            raise pytest.UsageError(f"{item.nodeid}: set pytestmark to exactly one of {', '.join(sorted(CATEGORIES))}")


def pytest_terminal_summary(terminalreporter):
    """Which peers the run was against: what `docs/explanation/interoperability.md` has its table from."""
    if any("/interop/" in report.nodeid for report in terminalreporter.getreports("passed")):
        from foreign import PACKAGES, version  # noqa: PLC0415  only where such tests ran

        said = ", ".join(f"{peer} {version(peer) or 'not installed'}" for peer in PACKAGES)
        terminalreporter.write_line(f"interoperability against {said}")


@pytest.fixture(scope="session")
def media():
    """The folder of talking-head clips; see its README for where they come from."""
    if not any(MEDIA.glob("*.mpg")):
        pytest.skip(f"no clips in {MEDIA}: set RELIP_MEDIA to a folder of GRID talker s1 (.mpg and .align)")
    return MEDIA


@pytest.fixture(scope="session")
def face_models():
    """The folder of the converted face nets."""
    folder = cache.directory()
    if not cache.complete(folder):
        pytest.skip(f"no face nets in {folder}: run `relip models build` (`make test` does)")
    return folder
