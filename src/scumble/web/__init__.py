"""The web page: both arts for people who do not type commands, on the machine that they sit at."""
