"""What the suites outside the server share: its database, its mail host, the server itself and its clients."""
