"""The one family of errors, by who is at fault.

RelipError ─┬─ FormatError          our caller asked for the impossible
            ├─ WireError            the sender broke the standard: masked, counted, never fatal
            ├─ ModelError           a net failed or gave nonsense   → bypass, counted
            └─ ResourceError        the NIC, the file, the device or the cluster said no
"""


class RelipError(Exception):
    """Anything Relip raises on purpose. A broken invariant is an assert instead."""


class FormatError(RelipError):
    """The caller asked for something that cannot be; the message names the parameter and its value."""


class WireError(RelipError):
    """The sender broke the standard; the message names the clause."""


class ModelError(RelipError):
    """A net failed, or answered with something that is not a number."""


class ResourceError(RelipError):
    """A thing outside Relip said no. Raised by adapters, with the cause chained."""
