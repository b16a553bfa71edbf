"""Crashes, faults and the file format of the JSON files engine."""
