"""Networks that see a picture and draw one, and those that judge them."""
