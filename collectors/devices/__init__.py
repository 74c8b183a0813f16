"""Network systems: one file per OS says how its CLI is spoken to and how its configuration text becomes facts."""
