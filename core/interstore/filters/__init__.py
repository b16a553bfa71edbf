"""The filter language: parsed to one tree, evaluated here, translated by each engine."""
