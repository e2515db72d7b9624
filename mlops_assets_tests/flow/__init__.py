"""Tests of dense optical flow."""
