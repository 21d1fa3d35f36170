"""What tests of hostile input print: how many inputs they tried, and what became of them."""


def tell(what: str, tried: int, **became: int) -> None:
    """Print a line such as ``paths at a Gateway: tried 5401 (open 4000, refused 1401)``."""
    parts = ", ".join(f"{name} {number}" for name, number in became.items())
    print(f"{what}: tried {tried}{f' ({parts})' if parts else ''}")  # noqa: T201 - for docs/trust.md
