"""The version, in its one home: the package's metadata and every manifest take it from here."""

__version__ = "0.1.0"
