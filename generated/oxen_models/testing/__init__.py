# Copied by oxen-codegen from templates/package/testing/__init__.py. Do not edit.
"""A stand-in for the Oxen.ai hub on this machine. It needs no API key and charges nothing.

    from oxen_models import Oxen
    from oxen_models.testing import Hub

    with Hub() as hub:
        oxen = Oxen(api_key="anything", base_url=hub.url)

It implements the API as public sources describe it, with the parameter schemas that ship in this
package, and returns real image, video and audio files. Where the sources contradict each other, a
`Dialect` selects the behavior. It shares no code with the bindings, so that it can check them. Every
response has the header `Server: models-standin`. The live hub may behave differently.

`python -m oxen_models.testing` runs it from a shell. It requires the extra `testing`.
"""

try:
    from ._dialect import Dialect
    from ._faults import FaultKind
    from ._hub import Hub
    from ._requests import ReceivedRequest
except ModuleNotFoundError as error:
    from oxen_models._runtime.extras import describe_missing_extra

    message = describe_missing_extra("oxen_models.testing", str(error.name), "testing")
    raise ModuleNotFoundError(message, name=error.name) from None

__all__ = ["Dialect", "FaultKind", "Hub", "ReceivedRequest"]
