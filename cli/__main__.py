"""`python -m cli` is `millrace`."""

from cli.main import main

main()
