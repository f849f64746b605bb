"""The commands of style transfer."""
