"""Trained translators at work: on pictures of any size and depth, and on folders of them."""
