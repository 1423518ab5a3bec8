"""How packets travel: kernel UDP, captures, memory. One technology a file; none knows what the octets mean."""
