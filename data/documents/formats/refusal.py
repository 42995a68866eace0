"""Say why a document cannot be read."""


class Refused(Exception):
    """Raised with the error of the protocol."""
