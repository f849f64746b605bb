"""The durable queue: a job is a folder, and everything about the queue can be read from the folders again."""
