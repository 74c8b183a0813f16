"""What every page shares: templates, style, middleware, languages."""
