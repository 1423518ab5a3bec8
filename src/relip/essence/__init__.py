"""The values every floor speaks in: time, formats, flows, grains, scenes and errors.

Immutable, slotted and small. Nothing here reads a clock, opens a file or knows a library beyond numpy.
"""
