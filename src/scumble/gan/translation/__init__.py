"""Pictures from pictures: networks that learn to turn one kind of picture into another, and what is done with them."""
