"""The size limits that `make check` enforces on src/ and tools/."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SIZES = Path(__file__).parents[3] / "tools" / "sizes.py"


def sizes(folder):
    return subprocess.run([sys.executable, SIZES, folder], capture_output=True, text=True, check=False)


def test_a_function_of_sixty_lines_passes_and_of_sixty_one_does_not(tmp_path):
    (tmp_path / "good.py").write_text("def just_right():\n" + "    a = 1\n" * 59)
    assert sizes(tmp_path).returncode == 0
    (tmp_path / "bad.py").write_text("def grown():\n" + "    a = 1\n" * 60)
    result = sizes(tmp_path)
    assert result.returncode == 1
    assert "bad.py:1: grown has 61 lines" in result.stdout


def test_a_file_of_five_hundred_lines_passes_and_of_five_hundred_and_one_does_not(tmp_path):
    (tmp_path / "good.py").write_text("a = 1\n" * 500)
    assert sizes(tmp_path).returncode == 0
    (tmp_path / "bad.py").write_text("a = 1\n" * 501)
    assert sizes(tmp_path).returncode == 1
