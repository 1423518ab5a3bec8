"""Bytes on the wire as the standards lay them out. Columns in, columns out; no socket, no clock, no pixel."""
