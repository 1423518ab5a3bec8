"""From rendered planes to the packed patch that replaces a region, in 10-bit Y'CbCr 4:2:2."""
