"""Where TAI comes from, behind `ports.Clock`."""
