"""What `ringback NAME` does: one module for commands that belong together, imported when one of them is called."""
