"""Documents point at things that exist, and no record or wire module is left out."""

import re
from pathlib import Path

import pytest

from relip.essence.scene import Bypass
from relip.wire.disclosure import REASONS

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("training/**/*.md")])
DECISIONS = ROOT / "docs" / "decisions"
RECORDS = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def anchors(document):
    """The anchors a reader's browser makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(document):
    """Targets of the links and pictures in a document that point inside the repository."""
    targets = re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", document.read_text("utf-8")))
    return [target for target in targets if "://" not in target and not target.startswith("mailto:")]


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_the_links_of_a_document_lead_somewhere(document):
    for target in links(document):
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("document", sorted(ROOT.glob("docs/*/**/*.md")), ids=name)
def test_a_document_can_be_reached_from_the_index_of_its_room(document):
    index = DECISIONS / "README.md" if document in RECORDS else ROOT / "docs" / "README.md"
    assert any((index.parent / target.partition("#")[0]).resolve() == document for target in links(index))


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_a_decision_record_says_what_it_must_on_one_page(record):
    text = record.read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Choice", "Non-goals", "Consequences"]
    assert text.count("\n") <= 40


def test_decision_records_are_numbered_without_a_gap():
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))


def test_the_architecture_fits_on_three_pages():
    assert (ROOT / "ARCHITECTURE.md").read_text("utf-8").count("\n") <= 180


OCTETLESS = {"sequence"}
"""Arithmetic on numbers that `rtp` has already read."""


@pytest.mark.parametrize(
    "module", [path for path in sorted((ROOT / "src/relip/wire").glob("[!_]*.py")) if path.stem not in OCTETLESS], ids=name
)
def test_a_wire_module_has_bytes_written_by_hand_from_its_standard(module):
    covered = [path.stem.removeprefix("test_") for path in (ROOT / "tests" / "conformance").glob("test_*.py")]
    assert any(f"{module.stem}_".startswith(f"{stem}_") for stem in covered)


@pytest.mark.parametrize("reason", Bypass)
def test_every_reason_for_bypass_is_explained_with_its_number_on_the_wire(reason):
    number = next(number for number, named in REASONS.items() if named is reason)
    assert f"| `{reason}` | {number} |" in (ROOT / "docs/reference/errors.md").read_text("utf-8")
