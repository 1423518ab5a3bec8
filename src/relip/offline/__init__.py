"""Files: reading and writing media containers."""
