"""What a long training keeps: its run folder and its checkpoints."""
