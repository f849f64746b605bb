"""Before and during training: what a data set allows, and symptoms of a training that goes wrong."""
