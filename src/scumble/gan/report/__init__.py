"""A run on one page, for people who decide: what it draws, how good that is, whether it copies, how it came to be."""
