"""A country's worth of hosts on one machine: real keys, real seals, real differences, real requests, and an account at the end.

    python -m bench.fleet day --hosts 25000        a working day with its 08:00 wave, an outage of two hours and kills
    python -m bench.fleet --help                   what else it measures

hosts.py says what a host is and how it delivers, clock.py how time is compressed, site.py what runs (PostgreSQL, web processes,
workers) and what that costs, day.py what happens, account.py whether anything was lost or came twice. rates.py, curve.py: figures.
"""
