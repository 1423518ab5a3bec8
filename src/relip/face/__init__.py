"""From a packed frame to one tracked face: detector, mesh, smoothing, loss and cuts."""
