"""From a face and a wanted shape to new pixels of the lower face: gallery, warp, own-pixels renderer."""
