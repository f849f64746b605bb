"""The commands of generative adversarial networks."""
