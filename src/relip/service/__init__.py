"""The doors: composition, lifecycle, command line."""
