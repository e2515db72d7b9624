"""The ways to solve for flow: one file or folder a backend, all behind `flow.dense`.

A *method* is what is solved (energy, schedule); a *backend* is a program that solves it. Two
backends of one method agree; two methods never stand side by side in one drift test.
"""
