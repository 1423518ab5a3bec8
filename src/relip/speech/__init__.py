"""From 48 kHz samples to log-mel columns on an absolute grid, and whether anybody speaks."""
