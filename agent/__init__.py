"""CARRY: scans and judges this host, spools and uploads snapshots."""
