"""One method, two programs: `reference` to read and to trust, `fused` to run on a GPU.

Coarse-to-fine variational flow: brightness and gradient constancy, robust smoothness. `schedule`
holds every number of it.
"""
