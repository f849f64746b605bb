"""Generative adversarial networks: training, sampling, and what comes out of them."""
