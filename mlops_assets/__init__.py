"""The data platform for unstructured media: versioned tables from files, unattended."""

__version__ = "0.1.0"
