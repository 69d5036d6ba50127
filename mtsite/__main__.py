"""`python -m mtsite`."""

from mtsite.cli import program

if __name__ == "__main__":
    program()
