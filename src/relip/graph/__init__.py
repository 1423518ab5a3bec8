"""One grain's way from ingress to egress: hold, chain, deadline, bypass. Run by Holoscan."""
