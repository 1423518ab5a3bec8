"""Where pixels are moved, behind `ports.Device`. One processor a file."""
