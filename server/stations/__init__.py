"""What people may ask of a scan station: to look at one of its own targets now. Nothing else can be asked."""
