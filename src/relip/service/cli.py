"""The command line: `relip`. Reads options, calls one function each, and turns errors into exit codes.

0 done, 1 failed, 2 wrong usage. Errors are one line on standard error, without a traceback: the log has those.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

import relip
from relip.essence.errors import FormatError, RelipError

PATH = click.Path(path_type=Path)
MOST_FRAMES = 4000
"""What `graph.tally` keeps the times of, less those before a measurement."""
MOST_LEAP_S = 1000
"""More is no clock that counts TAI, GPS or UTC."""
LENGTH = click.FloatRange(min=0, min_open=True)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
INTERFACE = click.option(
    "--interface",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS[,ADDRESS]",
    help="Address of the local interface; of a second one, after a comma, for second legs.",
)
PLACE = "ADDRESS:PORT[,ADDRESS:PORT]"
FORMAT = click.option(
    "--format",
    "format_",
    default="1080p25",
    show_default=True,
    help="Raster and rate: 720p, 1080p or 2160p, then 23.98, 25, 29.97, 30, 50, 59.94 or 60.",
)
PACING = click.option(
    "--pacing",
    type=click.Choice(["auto", "hybrid", "spin", "spread", "burst", "kernel"]),
    default="auto",
    show_default=True,
    help="How the packets of a frame leave; auto is hybrid, and spread on loopback.",
)
JSON = click.option("--json", "json_", type=PATH, help="Where to write the report as JSON; - is standard output.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(relip.__version__, prog_name="relip")
def commands() -> None:
    """Live lip-sync for SMPTE ST 2110."""


@commands.command()
@click.option("--config", "config_path", type=FILE, required=True, help="Configuration (YAML).")
@click.option("--log-json", is_flag=True, help="Log as JSON, a line an event, for machines.")
@click.option("--bypass", is_flag=True, help="Send every frame on untouched, whatever the configuration says.")
def serve(config_path: Path, *, log_json: bool, bypass: bool) -> None:
    """Dub a live picture: receive ST 2110-20 and -30, send ST 2110-20, until SIGTERM or SIGINT."""
    from relip.service.serve import run  # noqa: PLC0415  Holoscan and the nets are loaded only when they run

    run(config_path, log_json=log_json, bypass=bypass)


@commands.command()
@FORMAT
@click.option("--video", type=FILE, help="Video to play; without it the demo's presenter.")
@click.option("--voice", type=FILE, help="Voice to play; without it the demo's sentence.")
@click.option(
    "--video-to", required=True, metavar=PLACE, help="Where the picture goes (ST 2110-20); both legs of ST 2022-7 if two."
)
@click.option("--voice-to", metavar=PLACE, help="Where the voice goes (ST 2110-30, L24 mono, 1 ms packets).")
@click.option("--anc-to", metavar=PLACE, help="Where ancillary keep-alive packets go (ST 2110-40).")
@INTERFACE
@click.option("--seconds", type=LENGTH, help="How long to send; without it until SIGTERM or SIGINT.")
@PACING
@click.option("--sdp-dir", type=PATH, help="Folder in which to write a transport file for each flow.")
@JSON
def send(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """Play a presenter and a voice as ST 2110 flows, in real time on the TAI grid."""
    from relip.service.send import SendOptions, run  # noqa: PLC0415

    run(SendOptions(**options))


@commands.command()
@FORMAT
@click.option("--dubbed", required=True, metavar=f"{PLACE}|SDP", help="The dubbed picture.")
@click.option("--original", metavar=f"{PLACE}|SDP", help="The picture before the service, to compare with.")
@click.option("--voice", metavar=f"{PLACE}|SDP", help="The voice, to record with the picture.")
@click.option("--disclosure", metavar=f"{PLACE}|SDP", help="The ancillary flow that declares the altered region.")
@INTERFACE
@click.option("--seconds", type=LENGTH, help="How long to receive; without it until SIGTERM or SIGINT.")
@click.option("--record", type=PATH, help="MP4 to write: before | after with the voice.")
@JSON
def receive(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """Receive the dubbed picture, compare it with the original, measure, and record both side by side."""
    from relip.service.receive import ReceiveOptions, run  # noqa: PLC0415

    run(ReceiveOptions(**options))


@commands.command()
@FORMAT
@click.option(
    "--video",
    type=FILE,
    help="Presenter to dub: any file with a face that PyAV opens; without it a portrait is brought to life.",
)
@click.option("--voice", type=FILE, help="Voice to dub with; without it a short sentence made for this project.")
@click.option("--seconds", type=click.FloatRange(2, 600), default=12.0, show_default=True, help="How long to run.")
@click.option("--bypass", is_flag=True, help="Let the service pass everything through: the output must be bit-identical.")
@click.option(
    "-o", "--output", type=PATH, default=Path("demo.mp4"), show_default=True, help="Recording: before | after with the voice."
)
@click.option(
    "--json", "json_", type=PATH, default=Path("demo.json"), show_default=True, help="What was measured; - is standard output."
)
@click.option("--keep", type=PATH, help="Folder in which to keep configuration, transport files, reports and logs.")
def demo(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """Sender, service and receiver in one command: real ST 2110 by multicast on loopback, in real time."""
    from relip.service.demo import DemoOptions, run  # noqa: PLC0415

    run(DemoOptions(**options))


@commands.command()
@click.argument("picture", metavar="IN", type=FILE)
@click.argument("voice", type=FILE)
@click.option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    help="File to write: .mp4 (H.264), .mov (ProRes 422 HQ) or .mkv (FFV1, lossless).",
)
@click.option(
    "--codec", type=click.Choice(["h264", "prores", "ffv1"]), help="Another coding of the picture than the usual one."
)
@click.option("--config", "config_path", type=FILE, help="Configuration (YAML) of which lip_sync and models are taken.")
@click.option("--offset-ms", type=float, help="Voice later (+) or earlier (−), milliseconds; goes before the configuration.")
@click.option("--amplitude", type=float, help="Factor on the mouth's opening; goes before the configuration.")
@click.option(
    "--enrolment",
    "enrolments",
    type=FILE,
    multiple=True,
    help="File that `relip enrol` wrote: who is recognised is dubbed from the first frame; may be repeated, goes before the "
    "configuration.",
)
@click.option("--start", type=click.FloatRange(min=0), default=0.0, help="Begin so many seconds into IN and VOICE.")
@click.option("--end", type=LENGTH, help="End so many seconds into IN and VOICE.")
@click.option("--original-sound", is_flag=True, help="Keep the sound of IN as a second track.")
@click.option("--overlay", is_flag=True, help="Draw the altered region and the state of each frame into the picture.")
@JSON
def dub(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """Dub a file: the picture of IN with the lips of VOICE, in the raster, rate and colour of IN."""
    from relip.service.dub import DubOptions, run  # noqa: PLC0415  the nets are loaded only when they run

    run(DubOptions(**options))


@commands.command()
@click.argument("where", nargs=-1, required=True, metavar="A:P|A:P,A:P|SDP|PCAP...")
@click.option(
    "--format", "format_", help="What an ADDRESS:PORT is said to carry, as in 1080p50; the rate of an SDP without one."
)
@INTERFACE
@click.option("--seconds", type=click.FloatRange(0.1, 600), default=10.0, show_default=True, help="How long to listen.")
@click.option(
    "--leap-seconds",
    type=click.IntRange(-MOST_LEAP_S, MOST_LEAP_S),
    help="TAI less the clock that stamped, in seconds; without it the kernel's, or 37. 0 for a capture stamped in TAI.",
)
@click.option("--png", type=PATH, help="PNG to write: verdicts and distributions on one page; needs relip[probe].")
@click.option("--gate", is_flag=True, help="End with 1 when a flow is not what is said of it, loses packets or has bad ones.")
@JSON
def probe(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """Look at ST 2110 flows, on the network or in a capture: what they are, and how well they keep -21, -30 and -40.

    ADDRESS:PORT names a flow, two with a comma between its legs, a transport file every flow in it. A capture (pcap, pcapng)
    is looked at for the flows named beside it, or for every one that is RTP. The network is listened to for --seconds, or until
    SIGTERM or SIGINT. How to read the figures: docs/how-to/probe-a-flow.md.
    """
    from relip.service.probe import ProbeOptions, run  # noqa: PLC0415

    run(ProbeOptions(**options))


@commands.command("eval")
@click.argument("folder", type=PATH)
@FORMAT
@click.option("--limit", type=click.IntRange(min=1), help="Clips to take, talkers in turn; without it all.")
@click.option("--seconds", type=LENGTH, help="Seconds to take of each clip; without it all.")
@click.option(
    "--talker",
    metavar="PATTERN",
    help="Regular expression whose first group in a clip's path names the talker; without it each subfolder is one.",
)
@click.option(
    "--gallery",
    type=click.Choice(["others", "own", "causal"]),
    default="others",
    show_default=True,
    help="What teaches the renderer for R1 to R4: the talker's other clips, all of them, or each clip's own past.",
)
@click.option(
    "--voice",
    "voices",
    type=FILE,
    multiple=True,
    help="Voice beside those in FOLDER; may be repeated. With its phones beside it (.json, .TextGrid, .phn, .lab) it tests "
    "closures, as the demo's does; without, clips are dubbed with it.",
)
@click.option(
    "--synthesise",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Test closures also on so many sentences by espeak-ng and flite.",
)
@click.option("--net", type=FILE, help="Another articulation net (ONNX) than the one that ships.")
@click.option("--syncnet", type=FILE, help="Your SyncNet (ONNX), for LSE-D and LSE-C.")
@click.option("--vmaf", is_flag=True, help="Also VMAF of the self re-enactment; needs relip[eval].")
@click.option("--sheet", type=PATH, help="PNG to write: original and dubbed frames with their opening curves.")
@JSON
@click.option("--gate", is_flag=True, help="End with 1 when a gate is missed.")
def evaluate(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """Measure the dub of the talking clips, and by the voices, in FOLDER: pixels, articulation, sync, against the gates.

    Words or phones beside a clip (.align, .TextGrid, .json, .phn, .lab) say what is speech and where lips meet; without
    them speech is told by level. All figures, with what the untouched original and the mere energy of the voice reach:
    docs/how-to/evaluate.md.
    """
    from relip.service.eval import EvalOptions, run  # noqa: PLC0415

    run(EvalOptions(**options))


@commands.group()
def bench() -> None:
    """Measurements of speed. Close other programs first."""


@bench.command()
@FORMAT
@click.option("--frames", type=click.IntRange(1, MOST_FRAMES), default=200, show_default=True, help="Frames to measure.")
@JSON
def pipeline(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """CPU time a frame of everything between reception and egress, stage by stage, on one thread."""
    from relip.service.bench import PipelineOptions, pipeline  # noqa: PLC0415

    pipeline(PipelineOptions(**options))


@bench.command()
@click.option(
    "--config", "config_path", type=FILE, help="Configuration (YAML) of which models is taken; by default Triton's ports."
)
@click.option("--requests", type=click.IntRange(10, 100_000), default=1000, show_default=True, help="Requests of each net.")
@click.option(
    "--services",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Services that share the server in the last part.",
)
@JSON
def inference(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """What a Triton server adds to a request beside the same net in this process, and what it gains by joining requests."""
    from relip.service.bench_inference import InferenceOptions, inference  # noqa: PLC0415

    inference(InferenceOptions(**options))


@bench.command()
@FORMAT
@click.option("--seconds", type=click.FloatRange(0.1, 600), default=3.0, show_default=True, help="Of each run.")
@click.option("--runs", type=click.IntRange(1, 100), default=3, show_default=True, help="Of each measurement of CPU.")
@click.option(
    "--pacing",
    type=click.Choice(["hybrid", "spin", "spread", "burst"]),
    default="spread",
    show_default=True,
    help="How packets leave where modes are not compared.",
)
@click.option(
    "--try",
    "formats",
    multiple=True,
    metavar="FORMAT",
    help="Format to carry; may be repeated. By default 1080p50 to 60, and 2160p25 and 50.",
)
@click.option("--relay", default="1080p60", show_default=True, help="Format to carry through a service with bypass.")
@click.option(
    "--soak", type=click.FloatRange(min=0), default=0.0, show_default=True, help="Also carry 1080p60 for so many seconds."
)
@JSON
def wire(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """CPU a packet over real sockets on loopback, beside GStreamer's; loss, pacing, and the formats this machine carries."""
    from relip.service.bench_wire import WireOptions, wire  # noqa: PLC0415

    wire(WireOptions(**options))


@commands.command()
@click.argument("clips", nargs=-1, required=True, type=FILE)
@click.option("-o", "--output", type=PATH, required=True, help="File to write, as in anna.relip; it shows a person's face.")
@click.option(
    "--format",
    "format_",
    help="Raster and rate to enrol at, as in 1080p25: those of the programme; by default those of the first clip.",
)
@click.option("--name", help="Who it is; by default the name of the file.")
@click.option("--note", default="", help="What the person has agreed to, kept in the file.")
@click.option("--cache", "cache_dir", type=PATH, help="Folder of the nets; by default the user's cache.")
@JSON
def enrol(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """Learn a presenter from clips of them speaking, so that the service dubs them from the first frame."""
    from relip.service.enrol import EnrolOptions, run  # noqa: PLC0415

    run(EnrolOptions(**options))


@commands.group()
def models() -> None:
    """The nets."""


@models.command()
@click.option("--cache", "cache_dir", type=PATH, help="Folder for the nets; by default the user's cache.")
def build(cache_dir: Path | None) -> None:
    """Take the face nets from their wheel, convert them to ONNX and put them into the cache."""
    from relip.service import nets  # noqa: PLC0415

    nets.build(cache_dir)


@models.command("list")
@click.option("--cache", "cache_dir", type=PATH, help="Folder of the nets; by default the user's cache.")
def list_(cache_dir: Path | None) -> None:
    """Say which nets are there, and their checksums."""
    from relip.service import nets  # noqa: PLC0415

    nets.show(cache_dir)


@models.command()
@click.argument("folder", metavar="DIR", type=PATH)
@click.option(
    "--backend",
    type=click.Choice(["onnxruntime", "python"]),
    default="onnxruntime",
    show_default=True,
    help="What of Triton runs the nets: its ONNX Runtime, or Python with onnxruntime for servers that lack it.",
)
@click.option("--instances", type=click.IntRange(1, 64), default=1, show_default=True, help="Copies of each net side by side.")
@click.option("--gpu", is_flag=True, help="Lay the copies on GPUs, so many on each.")
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="CPU threads of a copy.")
@click.option(
    "--batch",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Most requests that are joined, for nets with a free first axis; 1 joins none and leaves every file as it is.",
)
@click.option(
    "--delay-us",
    type=click.IntRange(0, 10_000),
    default=0,
    show_default=True,
    help="Microseconds a request may wait for others to be joined with; 0 joins those that wait anyway.",
)
@click.option("--net", "nets", type=FILE, multiple=True, help="Another net (ONNX) to add, by its file's name; may be repeated.")
@click.option("--cache", "cache_dir", type=PATH, help="Folder of the face nets; by default the user's cache.")
def repository(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """Write a model repository for a Triton server into DIR: every net Relip uses, over what is there under their names."""
    from relip.service import nets  # noqa: PLC0415

    nets.repository(nets.RepositoryOptions(**options))


@commands.group("sdp")
def sdp_group() -> None:
    """Transport files."""


@sdp_group.command("show")
@click.argument("path", type=FILE)
@INTERFACE
def sdp_show(path: Path, interface: str) -> None:
    """Read a transport file: what Relip would receive, and what is odd about it."""
    from relip.service import sdp  # noqa: PLC0415

    sdp.show(path, interface)


@sdp_group.command("make")
@FORMAT
@click.option("--kind", type=click.Choice(["video", "voice", "anc"]), default="video", show_default=True, help="What flows.")
@click.option("--to", required=True, metavar=PLACE, help="Where the flow goes.")
@click.option("--name", default="relip", show_default=True, help="Session name.")
@click.option("--payload-type", type=click.IntRange(96, 127), default=96, show_default=True, help="RTP payload type.")
@click.option(
    "--tp",
    type=click.Choice(["2110TPN", "2110TPNL", "2110TPW"]),
    help="Type of a video sender by ST 2110-21; nothing is said of its pace unless this is given.",
)
@click.option(
    "--ts-refclk",
    default="ptp=IEEE1588-2008:traceable",
    show_default=True,
    help="Reference clock of the sender's timestamps, in SDP's words; localmac=<mac> of one without PTP.",
)
@INTERFACE
def sdp_make(**options: Any) -> None:  # noqa: ANN401  click gives what its options declare
    """Write a transport file for a flow to standard output."""
    from relip.service import sdp  # noqa: PLC0415

    click.echo(sdp.make(sdp.SdpOptions(**options)), nl=False)


def main() -> None:
    """Entry point: runs the command and gives its exit code."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: its threads spin, and our matrices are tiny
    try:
        commands.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except FormatError as error:
        click.echo(f"relip: {error}", err=True)
        sys.exit(2)
    except RelipError as error:
        click.echo(f"relip: {error}", err=True)
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        click.echo("relip: interrupted", err=True)
        sys.exit(1)
