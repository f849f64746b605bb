"""What GANs learn, as tasks of the training engine: a file for each kind."""
