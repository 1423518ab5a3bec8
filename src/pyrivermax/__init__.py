"""NVIDIA Rivermax from Python: packets in and out as columns, and the network card's PTP clock.

Rivermax is proprietary: its header and library come with the vendor's SDK and are never part of this package. What is here is
a shim in C++ (`shim.cpp`) that `python -m pyrivermax build` compiles where the SDK is, and its binding. Importing this package
needs neither; `load` says what is missing. It knows nothing of Relip.
"""

from pyrivermax.errors import RivermaxError, Unavailable
from pyrivermax.shim import Clock, Input, Order, Output, load, start, version

__all__ = ["Clock", "Input", "Order", "Output", "RivermaxError", "Unavailable", "load", "start", "version"]
