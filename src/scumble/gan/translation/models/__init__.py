"""Trained translators: loaded, used, shown, saved and exported."""
