"""What a flow on the network is, and how well it keeps the standards: measured packet by packet, told as one report."""
