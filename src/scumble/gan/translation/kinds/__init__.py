"""Kinds of translation: a file each, with its losses and the record that the training and its users know it by."""
