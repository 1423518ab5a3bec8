"""The scale that a net brings along."""

from __future__ import annotations

import json

import pytest

from relip.articulation.scale import Scale, read_scale
from relip.essence.errors import ModelError

pytestmark = pytest.mark.unit

SAID = {"open": [0.02, 0.3, 0.6], "width": [0.5, 0.1], "closure": 0.4, "labiodental": 0.6}


def test_a_scale_is_read_by_its_names() -> None:
    assert read_scale(json.dumps(SAID)) == Scale((0.02, 0.3, 0.6), (0.5, 0.1), 0.4, 0.6)


def test_the_defaults_are_a_scale() -> None:
    scale = Scale()
    assert scale.open[0] < scale.open[1] < scale.open[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("open", [0.3, 0.3, 0.6]),
        ("open", [0.0, 0.3, 0.6]),
        ("open", [0.1, 0.3, 1.0]),
        ("open", [0.1, 0.3]),
        ("open", [0.1, "0.3", 0.6]),
        ("open", [0.1, float("nan"), 0.6]),
        ("open", [0.1, True, 0.6]),
        ("open", 0.3),
        ("width", [0.5, 0.0]),
        ("width", [1.5, 0.1]),
        ("closure", 0.0),
        ("closure", "often"),
        ("labiodental", 1.0),
    ],
)
def test_what_is_no_scale_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ModelError, match=f"scale {name}"):
        read_scale(json.dumps(SAID | {name: value}))


@pytest.mark.parametrize("text", ["", "0.3", "[]", "{}", json.dumps(SAID | {"teeth": 1})])
def test_what_is_not_an_object_of_these_names_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="scale="):
        read_scale(text)


def test_a_net_without_a_scale_is_refused() -> None:
    with pytest.raises(ModelError, match="has to say its scale"):
        read_scale(None)
