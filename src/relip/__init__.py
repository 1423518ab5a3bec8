"""Relip: live lip-sync for SMPTE ST 2110. `ARCHITECTURE.md` is the way in."""

__version__ = "0.1.0"
