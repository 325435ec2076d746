"""The operations with their gradient rules, a file for each kind."""
