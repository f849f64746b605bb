"""Networks of GANs: pairs of a generator and a discriminator, and what makes a pair conditional."""
