"""Define the error for a document that cannot be read."""


class Refused(Exception):
    """Raised with the error of the protocol."""
