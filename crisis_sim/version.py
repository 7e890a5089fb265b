"""The version of the package, which its metadata and every manifest use."""

__version__ = "0.1.0"
