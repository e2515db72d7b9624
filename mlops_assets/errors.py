"""The one exception family, divided by what the caller can do about it.

```
MlopsError
├── InputError            this item is bad: record it with its reason, go on with the next
│   └── ShapeError        an array or a column has another shape than the function takes
├── TransientError        try again: nothing is wrong with the data
│   ├── PartitionMoved    somebody else committed to this partition after it was planned: plan again
│   └── WorkerLost        a worker process died or outlived its limit
├── ConfigurationError    an operator must act: a setting, a permission, a missing file
│   └── OrphanGuardError  a run would remove more of a partition than it is allowed to
└── InternalError         our bug
```

Every message says what was wrong, with the value, and what would have been right.
"""

from __future__ import annotations


class MlopsError(Exception):
    """Root of every exception this package raises on purpose."""


class InputError(MlopsError):
    """One item is bad. The per-item loop records it and goes on.

    Args:
        message: what was wrong, the value, what would have been right.
        reason: snake_case code a person can filter by, such as `truncated`.
    """

    def __init__(self, message: str, *, reason: str = "bad_input") -> None:
        super().__init__(message)
        self.reason = reason


class ShapeError(InputError):
    """An array or a column has another shape than the function takes."""

    def __init__(self, message: str, *, reason: str = "wrong_shape") -> None:
        super().__init__(message, reason=reason)


class TransientError(MlopsError):
    """Nothing is wrong with the data; the same call may succeed later."""


class PartitionMoved(TransientError):  # noqa: N818 - a state of the world, not a failure
    """Another writer committed to this partition after it was planned."""


class WorkerLost(TransientError):  # noqa: N818 - a state of the world, not a failure
    """A worker process died, or outlived its time or memory limit.

    Args:
        message: what happened.
        reason: code of it, for the record of the unit at fault.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class ConfigurationError(MlopsError):
    """An operator must act: a setting, a permission, a missing file."""


class OrphanGuardError(ConfigurationError):
    """A run would remove more rows of a partition than it is allowed to."""


class InternalError(MlopsError):
    """Our bug: a promise this code makes to itself does not hold."""
