"""What the tests of the core share: a clock, a carrier, a carrier's HTTP server, and an installation to open."""
