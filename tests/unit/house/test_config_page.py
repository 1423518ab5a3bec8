"""The page that is written from the configuration's models."""

import re
from pathlib import Path

import pytest
import yaml

from config_page import page
from relip.config import parse

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "configuration.md"


def test_the_page_is_what_the_models_say():
    assert PAGE.read_text("utf-8") == page(), "run: make pages"


def test_a_key_has_its_range_default_and_meaning():
    assert "| `amplitude` | number, 0.3 to 2 | `1.0` | " in page()


def test_a_text_of_a_certain_form_is_called_by_it():
    for line in ("| `interface` | IPv4 address | ", "| `url` | address and port | ", "| `ts_refclk` | text | "):
        assert line in page()


def test_a_list_says_of_what_and_how_many():
    assert "| `enrolments` | list of up to 4: path |  | " in page()


def test_a_section_below_a_section_has_its_whole_path():
    assert "| `video` | [section](#outputvideo) | required | " in page()
    assert "\n## output.video\n" in page()


def test_the_examples_of_the_guide_are_configurations():
    guide = (PAGE.parents[1] / "how-to" / "run-static.md").read_text("utf-8")
    by_files, by_keys = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL))
    assert parse(by_files, where="the first").output.disclosure is not None
    assert parse(by_files | by_keys, where="the second").video.format == "1080p25"
