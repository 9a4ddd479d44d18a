"""Stands in for PyTorch while pip asks mamba-ssm's setup.py for its metadata, which computes nothing with it."""


class version:
    cuda = "13.0"
    hip = None


__version__ = "2.11.0"
