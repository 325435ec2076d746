"""`python -m rapidity` is the command `rapidity`."""

from rapidity.cli import main

if __name__ == "__main__":
    main()
