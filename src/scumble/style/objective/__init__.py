"""What is minimised: a function of the picture, whose targets are found by looking at pictures in tiles."""
