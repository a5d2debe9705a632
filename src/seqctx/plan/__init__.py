"""Computes memory and time before any GPU hours, and compares ways to train."""
