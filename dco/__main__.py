"""`python -m dco` is the same program as `dco`."""

from dco.cli import main

if __name__ == "__main__":
    main()
