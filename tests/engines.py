"""The engines' stages as the service has them, for a studio."""

from relip.articulation.net import ArticulationNet
from relip.articulation.speaker import Speaker, SpeakerSettings
from relip.device.host import HostDevice
from relip.essence.tai import period_ns
from relip.face.tracker import FaceTracker
from relip.graph.delay import delay_for
from relip.graph.ramp import Ramp
from relip.graph.stages import ArticulationStage, CompositeStage, FaceStage, MouthStage, SpeechStage, VoiceTiming, voice_need_ns
from relip.inference.onnx import OnnxModel
from relip.mouth.own_pixels import OwnPixels
from relip.speech.listener import Listener
from relip.weights import cache, shipped
from studio import Studio

DEVICE = HostDevice()


def tracker(folder, form):
    """A tracker on the face nets of a folder."""
    detector, mesh = (OnnxModel(cache.locate(name, folder)) for name in (cache.FACE_DETECTOR, cache.FACE_MESH))
    return FaceTracker(detector=detector, mesh=mesh, device=DEVICE, format=form)


def studio_with_engines(folder, form, *, frames, notes=()):
    """A studio with every engine; `notes` are stages that look on after the mouth is drawn."""
    net = ArticulationNet(OnnxModel(shipped.locate(shipped.ARTICULATION)))
    timing = VoiceTiming()
    speaker = Speaker(SpeakerSettings(frame_ns=period_ns(form.rate)))
    line = [
        lambda studio: FaceStage(tracker(folder, form), studio.tally, studio.clock),
        lambda studio: SpeechStage(Listener(), studio.inbox, net, timing),
        ArticulationStage(net, speaker, timing),
        MouthStage(OwnPixels(device=DEVICE, format=form), Ramp()),
        *notes,
        CompositeStage(DEVICE),
    ]
    return Studio(form, delay_for(form.rate, voice_need_ns(net, form.rate)), frames=frames, stages=line)
