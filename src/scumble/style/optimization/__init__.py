"""How the pixels are moved: the optimisers, and the loop that spoils no picture."""
