"""What a file is, from headers and packets only: kind, container, exact rates, size, pages.

Nothing here decodes a pixel; what a hostile header claims is bounded before anything is allocated.
"""
