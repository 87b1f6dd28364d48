"""Real and worked questionnaires through the running server, against a computation of their own."""
