"""What the page knows of GANs: data sets, runs and models, labels, and samples drawn at once."""
