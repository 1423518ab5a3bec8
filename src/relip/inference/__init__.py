"""Where nets run, behind `ports.Model`. One runtime a file."""
