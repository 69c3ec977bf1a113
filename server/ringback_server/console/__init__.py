"""The person's page: what waits for an answer, whom a person allowed, what was decided.

A process of its own (docs/decisions/0005), on loopback, one for each data folder. What each level of approval
proves, and against whom, is told in docs/approval.md.
"""
