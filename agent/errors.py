"""How a command can end other than well, and with which exit code.

0  everything judged passed         3  something could not be looked at, nothing failed
1  at least one fail                4  could not deliver (spooled, nothing lost)
2  usage or input error             5  a bug
6  the agent stopped itself: a run took more than its limits allow (limits.py)
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself would be felt in `rasoat --help`
if TYPE_CHECKING:
    from typing import ClassVar

PASSED, FAILED, USAGE, UNKNOWN, UNDELIVERED, BUG, STOPPED = range(7)


class Refusal(Exception):
    """The command cannot be done as asked. `str(error)` says what, where, and what to do."""

    code: ClassVar[int] = USAGE


class Undelivered(Refusal):
    """The collector did not take it. What was collected is kept, and `str(error)` says where."""

    code: ClassVar[int] = UNDELIVERED


class StoppedItself(Refusal):
    """The run took more than its limits allow. Nothing is lost, and `str(error)` says which limit."""

    code: ClassVar[int] = STOPPED
