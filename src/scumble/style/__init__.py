"""Style transfer: what is painted comes from one picture, how it is painted from another."""
