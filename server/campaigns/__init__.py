"""Campaigns: what a letter asks of many units before a day, held against what their machines report after its start."""
