"""Registers that people keep: equipment, software, information systems. What machines tell stands beside what is typed, never under it."""
