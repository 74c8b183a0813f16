"""Every part of rasoat with every fault: real programs on this machine, and an account of every snapshot by its id afterwards.

    python -m bench.faults                       the whole matrix; root, PostgreSQL, a C compiler
    python -m bench.faults --only agent:kill     one cell, or several; `relay` and `disk` are whole rows and columns
    python -m bench.faults --list                the cells, and what each does

parts: agent, relay, server (web processes), worker, database. faults: kill (-9), network (cut), disk (full), clock (jump),
corrupt (file). site.py says what runs, hosts.py what agents are, line.py and harm.py what breaks it, account.py whether anything was
lost, doubled or altered; the cells of a fault are in a file of its own, their words in cells.yaml.
"""
