"""Items with and without what content filters look for, made from a seed.

What thresholds and word lists were chosen on is `tuned`; the other half, `held_out`, has other
phrases, fonts, grounds, carriers and templates, and was written before it was measured.
"""
