"""What the page must answer at once: previews, plans and thumbnails, by a process that is let go when idle."""
