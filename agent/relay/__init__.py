"""Store and forward for a site: hosts without a route to the centre deliver here. A relay can neither read nor change what it carries."""
