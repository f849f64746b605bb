"""Kinds of collections of pictures, a module each; `opener` finds the one that a name stands for."""
