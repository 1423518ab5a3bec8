"""The engines' stages as the service has them, for a studio."""

from dataclasses import replace

from relip.config import LipSync, Models
from relip.device.host import HostDevice
from relip.face.tracker import FaceTracker
from relip.inference.onnx import OnnxModel
from relip.service.compose import engines
from relip.weights import cache
from studio import Studio

DEVICE = HostDevice()


def tracker(folder, form):
    """A tracker on the face nets of a folder."""
    detector, mesh = (OnnxModel(cache.locate(name, folder)) for name in (cache.FACE_DETECTOR, cache.FACE_MESH))
    return FaceTracker(detector=detector, mesh=mesh, device=DEVICE, format=form)


def studio_with_engines(folder, form, *, frames, notes=(), lip_sync=None):
    """A studio with every engine; `notes` are stages that look on at the end."""
    lip_sync = lip_sync or LipSync()
    nets = engines.load_nets(Models(cache=folder), 120)
    delay = engines.delay_of(lip_sync, nets.articulation, form.rate)

    def make(clock):
        chain = engines.chain(lip_sync, nets, form, delay=delay, clock=clock)
        return replace(chain, stages=(*chain.stages, *notes))

    return Studio(form, delay, frames=frames, make=make)
