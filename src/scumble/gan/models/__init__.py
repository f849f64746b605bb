"""Trained models: saving and loading them, drawing with them, and moving in their latent space."""
