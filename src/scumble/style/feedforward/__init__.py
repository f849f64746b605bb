"""Paints any photograph like any painting in one pass through one small network."""
