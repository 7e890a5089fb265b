"""x"""


class Reasons: ...


def why() -> None: ...
