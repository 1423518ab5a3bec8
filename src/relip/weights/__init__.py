"""Where nets come from: the wheel they are taken from, the converter, the cache; and our own, beside this file."""
