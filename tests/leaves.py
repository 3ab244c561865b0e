"""The texts of a language, flat."""

from collections.abc import Iterator, Mapping


def leaves(texts: Mapping[str, object], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text below ``texts`` with its key in full: "client.bands.within"."""
    for key, value in texts.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", str(value)
