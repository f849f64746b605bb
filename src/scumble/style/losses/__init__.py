"""The losses of style transfer: pure functions of tensors, each after its paper, and the mathematics they need."""
