"""How good painted pictures are: figures, recognition, and a page that asks people."""
