"""`python -m relip`: the command line."""

from relip.service.cli import main

if __name__ == "__main__":  # the processes of `relip bench wire` import this module too
    main()
