"""What passes on what hosts send when they have no route to the centre: relays are known here, and trusted with nothing."""
