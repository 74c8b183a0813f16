"""What leaves the collector by itself: syslog, webhooks, e-mail. At least once, in order, and never past its own part of the tree."""
