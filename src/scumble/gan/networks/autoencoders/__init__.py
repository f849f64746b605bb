"""Networks that give a picture back: discriminators whose reconstruction error is an energy, and encoders."""
