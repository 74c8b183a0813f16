"""The API for people's programs: keys with a scope and an end, and what they may read."""
