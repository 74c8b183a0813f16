"""What comes in: enrolment, agents, machines and their snapshots, kept as received."""
