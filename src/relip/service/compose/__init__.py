"""The composition root: the only place that chooses adapters and fits the parts together."""
