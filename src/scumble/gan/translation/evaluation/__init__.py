"""How good a translator is, on pictures that it has never learnt from, beside what takes no learning."""
