"""What the page and programs ask for over HTTP: JSON in, JSON, pictures and streams of events out."""
