"""`python -m mtsite`."""

from mtsite.cli import main

if __name__ == "__main__":
    main()
