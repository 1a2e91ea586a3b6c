"""How a request is refused."""


class Refusal(Exception):
    """Ends a request with an error envelope.

    `kind` is the hub's word for it (`invalid_params`), `detail` the text for people.
    """

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
