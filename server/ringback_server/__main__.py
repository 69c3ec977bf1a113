"""`python -m ringback_server`: the `ringback` command where it is not on the path."""

from ringback_server.cli import main

if __name__ == "__main__":
    main()
