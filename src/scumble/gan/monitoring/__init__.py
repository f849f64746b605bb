"""What goes wrong with a training or its data, seen early and told in words."""
