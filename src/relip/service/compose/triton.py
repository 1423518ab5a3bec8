"""The nets of a channel on a Triton server, as the configuration wants them."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from relip.articulation.net import ArticulationNet
from relip.config import Models
from relip.config import Triton as Keys
from relip.essence.errors import ResourceError
from relip.inference.triton import TritonModel
from relip.inference.triton_client import Server, Tls
from relip.service.compose.nets import Nets
from relip.weights import cache
from relip.weights.repository import name_of

PATIENCE_S = 10.0
"""For files: a frame that waits is late for nobody."""


def server(keys: Keys) -> Server:
    """Where the server is and how tensors reach it."""
    tls = None if keys.tls is None else Tls(keys.tls.root, keys.tls.certificate, keys.tls.key)
    return Server(url=keys.url, protocol=keys.protocol, memory=keys.shared_memory, device=keys.device, tls=tls)


def budget_s(keys: Keys, rate: Fraction | None) -> float:
    """How long a request may take for a live picture of a rate; None stands for files."""
    if rate is None:
        return PATIENCE_S
    return float(1 / (2 * rate)) if keys.timeout_ms is None else keys.timeout_ms / 1000


def load(models: Models, articulation: Path, rate: Fraction | None) -> Nets:
    """Ask for the face nets and for the articulation net that a file's repository calls by the file's name.

    Raises ResourceError: no server, no such model, or another net than the one that is at hand under that name.
    """
    folder = models.cache or cache.directory()
    places = (folder / cache.FACE_DETECTOR, folder / cache.FACE_MESH, articulation)
    with ExitStack() as stack:
        asked = []
        for path in places:
            asked.append(served(models, path, rate))
            stack.callback(asked[-1].close)
        detector, mesh, heard = asked
        keys = models.triton
        return Nets(
            detector=detector,
            mesh=mesh,
            articulation=ArticulationNet(heard),
            close=stack.pop_all().close,
            notes=(f"the nets run on the Triton server at {keys.url} ({keys.protocol}, shared memory: {keys.shared_memory})",),
        )


def served(models: Models, path: Path, rate: Fraction | None) -> TritonModel:
    """One net, by its file. Raises as `load` does."""
    model = TritonModel(server(models.triton), name_of(path), timeout_s=budget_s(models.triton, rate))
    try:
        _refuse_another(model, path, models.triton.url)
    except BaseException:
        model.close()
        raise
    return model


def _refuse_another(model: TritonModel, path: Path, url: str) -> None:
    """A repository that an older Relip wrote has nets that this one was not tuned with. Without the file nobody can tell."""
    said = model.signature.sha256
    if said and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != said:
        raise ResourceError(
            f"the model {name_of(path)} on the Triton server at {url} is not the net in {path}: "
            "write its repository anew with `relip models repository`"
        )
