"""An articulation net for tests of what stands round it: the metadata of a real one, and whatever answer is wanted."""

from relip.articulation.net import OUTPUTS, ArticulationNet
from relip.inference.null import NullModel
from relip.ports import Signature, TensorSpec


def net(answer, *, past=0, future=0):
    """`answer`: from the net's inputs to its outputs; `past`, `future`: columns of context."""
    metadata = {
        "columns_per_second": "100",
        "past_columns": str(past),
        "future_columns": str(future),
        "outputs": " ".join(OUTPUTS),
        "scale": '{"open": [0.02, 0.3, 0.6], "width": [0.5, 0.1], "closure": 0.4, "labiodental": 0.6}',
        "logits": "",
    }
    ends = (TensorSpec("mel", (1, 80, -1), "float32"),), (TensorSpec("mouth", (1, len(OUTPUTS), -1), "float32"),)
    return ArticulationNet(NullModel(Signature(*ends, metadata=metadata), answer))
