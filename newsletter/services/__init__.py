"""What the service does: one module a step of the flow, one function a business act.

Each takes a session and the time, flushes, and never commits: the edges (web, jobs, cli) own the transaction.
"""
