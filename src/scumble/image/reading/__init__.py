"""From a file's bytes to upright 8-bit sRGB: what it is, what is odd about it, how its colours are meant."""
