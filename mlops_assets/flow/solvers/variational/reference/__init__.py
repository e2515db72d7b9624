"""The variational method to read and to trust: plain array code, a page a step.

`solve` tells the story; `pyramid`, `matching`, `warp`, `system`, `relaxation` and `median` are its
steps. The arrays are NumPy's, or CuPy's when the frames are.
"""

from mlops_assets.flow.fields import Backend
from mlops_assets.flow.solvers.variational.reference.solve import solve as _solve
from mlops_assets.flow.solvers.variational.schedule import METHOD, VERSION

__all__ = ["REFERENCE"]

REFERENCE = Backend(
    name="reference", method=METHOD, version=VERSION, solve=_solve, takes_device=True
)
