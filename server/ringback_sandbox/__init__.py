"""A carrier to try against: speaks the carriers' real HTTP on loopback and shows a telephone handset in the browser.

It knows nothing of ringback. Whatever is sent to it stays on this machine.
"""
