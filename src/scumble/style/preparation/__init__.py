"""What is found out about pictures before anything is painted: colours, regions, where content counts."""
