"""The pages that are written from the reports' models."""

from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from report_page import PAGES, page

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parents[3] / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_models_say(name):
    assert (FOLDER / name).read_text("utf-8") == page(*PAGES[name]), "run: make pages"


def test_a_key_has_its_type_and_meaning():
    written = page(*PAGES["eval-json.md"])
    assert "| `A1` | [Follow](#follow) | articulation |" in written
    assert "| `lag_ms` | number or null | of the output, ms |" in written


def test_a_key_without_a_type_in_words_is_refused():
    class Odd(BaseModel):
        """Anything at all."""

        odd: object = Field(description="no type")

    class Outer(BaseModel):
        """A part that is odd."""

        part: Odd = Field(description="odd")

    with pytest.raises(ValueError, match="no words"):
        page(Outer, "Outer", "Odd.")
