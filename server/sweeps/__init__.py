"""What others warn of, held against what machines showed: lists of indicators, and warnings by letter. No machine is asked for it."""
