"""`python -m relip`: the command line."""

from relip.service.cli import main

main()
