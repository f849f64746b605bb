"""The preset `instant` as a job: in one pass, and without PyTorch."""
