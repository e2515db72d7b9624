"""The published data sets as they lie on disk: which files are a pair, and what is in them.

Files are hostile: bytes and pixels are bounded before anything is decoded, and damage is an
`InputError`.
"""
