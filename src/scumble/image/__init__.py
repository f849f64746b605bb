"""Pictures: files in and out, recipes inside them, and tensors."""
