"""Test essences as functions of TAI, and the measurement of skew between them."""
