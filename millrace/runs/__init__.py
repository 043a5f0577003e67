"""What a run leaves behind: records of its steps and a summary."""
