"""What can go wrong with Rivermax, in words an engineer can act on."""

from __future__ import annotations

HINTS = {
    "rmx_init": "is there a valid licence (RIVERMAX_LICENSE_PATH), a supported network card with its driver, and CAP_NET_RAW?",
    "rmx_input_create_stream": "does the interface's address belong to a card that Rivermax supports, and is there memory"
    " (hugepages, RLIMIT_MEMLOCK) for the ring?",
    "rmx_input_attach_flow": "is another stream of this process attached to the same flow?",
    "rmx_output_media_create_stream": "does the sender's address in the SDP belong to a card that Rivermax supports, and does"
    " the SDP describe the packets?",
    "rmx_retrieve_device_iface_ipv4": "no card that Rivermax supports has this address",
    "rmx_use_ptp_clock": "the PTP clock of a card needs a ConnectX-6 Dx or later, or a BlueField",
    "rmx_check_clock_steady": "does ptp4l run on this interface?",
}
"""What to look at when a step fails, by step."""


class RivermaxError(Exception):
    """A call of the library failed; `step` is its name, `status` its number, `name` the number's name where it is known."""

    def __init__(self, step: str, status: int, name: str = "") -> None:
        self.step, self.status, self.name = step, status, name
        hint = HINTS.get(step)
        super().__init__(f"{step} gave status {status}" + (f" ({name})" if name else "") + (f": {hint}" if hint else ""))


class Unavailable(Exception):  # noqa: N818  it names the state, as in "Rivermax is unavailable"
    """There is no shim, or it cannot be loaded, or there is nothing to build it from; the message says what to do."""
