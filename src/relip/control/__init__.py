"""Which flows, and when: transport files in static mode."""
