"""Who may come in, who is who, and who has left: approval, clones, installation anew, retirement."""
