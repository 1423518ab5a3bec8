"""The tests keep their own rules: one category a module, a reason for every skip, no sleep."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

TESTS = Path(__file__).parents[2]
MODULES = sorted(TESTS.rglob("test_*.py"))
CATEGORIES = {"unit", "conformance", "e2e", "interop", "fuzz", "hardware"}


def name(path):
    return path.relative_to(TESTS).as_posix()


def categories(tree):
    """What a module's own `pytestmark = …` lines say."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            yield from (
                part.attr for part in ast.walk(node.value) if isinstance(part, ast.Attribute) and part.attr in CATEGORIES
            )


def faults(tree):
    """Skips without a reason, and sleeps."""
    for node in ast.walk(tree):
        said = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if said in {"pytest.skip", "pytest.mark.skip"} and not node.args and not node.keywords:
            yield f"line {node.lineno}: a skip without a reason"
        if said in {"pytest.mark.skipif", "pytest.mark.xfail"} and "reason" not in {keyword.arg for keyword in node.keywords}:
            yield f"line {node.lineno}: {said} without a reason"
        if said in {"time.sleep", "sleep"}:
            yield f"line {node.lineno}: advance a manual clock, or wait for the thing itself"


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_declares_exactly_one_category(module):
    assert len(list(categories(ast.parse(module.read_text("utf-8"))))) == 1


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_gives_its_reasons_and_does_not_sleep(module):
    assert list(faults(ast.parse(module.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    "source", ["pytest.skip()", "@pytest.mark.skip()\ndef test(): ...", "pytest.mark.skipif(True)", "time.sleep(1)"]
)
def test_a_fault_would_be_seen(source):
    assert len(list(faults(ast.parse(source)))) == 1
