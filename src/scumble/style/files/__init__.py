"""The files of a job: what it reads, what it is asked to write, and what is there already."""
