"""Networks that look at pictures, and where their weights come from."""
