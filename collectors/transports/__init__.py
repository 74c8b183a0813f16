"""How to reach a target. `facts/` is handed one of these and cannot tell which."""
