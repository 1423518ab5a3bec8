"""The two ends a service is tried between: a sender that plays a presenter, a receiver that measures."""
