"""Tell a run's story as one self-contained HTML file."""
