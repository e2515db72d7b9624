"""Every backend, which method each solves, and which of them run here."""

from __future__ import annotations

from mlops_assets.errors import ConfigurationError
from mlops_assets.flow.fields import Backend
from mlops_assets.flow.solvers.opencv_dis import OPENCV_DIS
from mlops_assets.flow.solvers.opencv_vr import OPENCV_VR
from mlops_assets.flow.solvers.raft import RAFT
from mlops_assets.flow.solvers.variational.fused import CUPY
from mlops_assets.flow.solvers.variational.reference import REFERENCE

BACKENDS: dict[str, Backend] = {
    backend.name: backend for backend in (CUPY, REFERENCE, OPENCV_VR, OPENCV_DIS, RAFT)
}
"""Every backend by name; of one method, the preferred one first."""

METHODS: tuple[str, ...] = tuple(dict.fromkeys(backend.method for backend in BACKENDS.values()))
"""What can be solved, each by one backend or more."""

_AUTOMATIC = (CUPY, OPENCV_VR)


def find_backend(name: str) -> Backend:
    """The backend of a name, once it is sure to run here.

    Args:
        name: of `BACKENDS`, or `auto`: `cupy` where a device works, else `opencv-vr`.

    Raises:
        ConfigurationError: there is no such backend, or it cannot run here.
    """
    if name == "auto":
        return next(one for one in _AUTOMATIC if one.unavailable() is None)
    if name not in BACKENDS:
        raise ConfigurationError(f"backend is {name!r}; expected auto or one of {[*BACKENDS]}")
    missing = BACKENDS[name].unavailable()
    if missing is not None:
        raise ConfigurationError(f"backend {name!r} cannot run here: {missing}")
    return BACKENDS[name]


def backends_of(method: str) -> tuple[Backend, ...]:
    """The backends that solve a method, the preferred one first, whether or not they run here.

    Args:
        method: of `METHODS`.

    Raises:
        ConfigurationError: there is no such method.
    """
    if method not in METHODS:
        raise ConfigurationError(f"method is {method!r}; expected one of {[*METHODS]}")
    return tuple(backend for backend in BACKENDS.values() if backend.method == method)


def best_backend(method: str) -> Backend:
    """The preferred backend of a method among those that run here: falling back stays within it.

    Args:
        method: of `METHODS`.

    Raises:
        ConfigurationError: there is no such method, or none of its backends runs here.
    """
    missing = {backend.name: backend.unavailable() for backend in backends_of(method)}
    for name, reason in missing.items():
        if reason is None:
            return BACKENDS[name]
    told = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
    raise ConfigurationError(f"no backend of method {method!r} can run here: {told}")
