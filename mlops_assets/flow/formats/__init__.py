"""Flow at rest and on the screen: our codec, the files of the field, and colours.

Bytes are hostile: sizes are bounded before anything is allocated, damage is an `InputError`.
"""
