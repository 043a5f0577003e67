"""How KFP runs the steps: a folder a component, each a thin wrapper around millrace/."""
