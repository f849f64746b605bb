"""Pure functions of tensors that a task adds up into its losses."""
