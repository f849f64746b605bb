"""One engine for everything that learns: it knows tasks, updates and processes, and no art."""
