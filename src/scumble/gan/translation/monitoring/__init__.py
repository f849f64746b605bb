"""Eyes on a training of translations: what goes wrong with it, seen while it does."""
