"""Pictures to learn from, and pictures drawn by code."""
