"""Which machines should report, and which of them do: expected, seen, fresh, judged, each gap with its list."""
