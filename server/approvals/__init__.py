"""What takes two people: one asks, another one agrees, and exactly what was agreed to is carried out."""
