"""What people answer for: waivers and attestations, laid over the verdicts when they are read and never merged into them."""
