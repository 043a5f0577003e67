"""In which order the steps run: KFP pipelines, and their compiled IR YAML."""
