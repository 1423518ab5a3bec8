"""From packets to grains and from pgroups to samples: assembly, packing, regions, the pool of frame buffers."""
