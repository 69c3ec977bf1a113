"""`python -m ringback_server.console`: serve the person's page."""

import sys

from ringback_server.console.serving import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
