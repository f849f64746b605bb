"""The web page: both arts for people who do not type commands, on this machine and from nowhere else."""
