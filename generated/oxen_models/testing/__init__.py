"""A stand-in for the Oxen.ai hub, on this machine, without a key and without a bill.

    from oxen_models import Oxen
    from oxen_models.testing import Hub

    with Hub() as hub:
        oxen = Oxen(api_key="anything", base_url=hub.url)

It answers as the hub's public documentation tells, on the parameter schemas that ship in this
package, with real images, videos and sounds. It shares no code with the bindings, so that it can
check them; and it is not the hub: every answer says `Server: models-standin`, and what the live
hub does differently, it cannot know.

`python -m oxen_models.testing` runs it from a shell. It needs the extra `testing`.
"""

try:
    from ._dialect import Dialect
    from ._faults import FaultKind
    from ._hub import Hub
    from ._state import ReceivedRequest
except ModuleNotFoundError as error:
    from oxen_models._runtime.extras import describe_missing_extra

    message = describe_missing_extra("oxen_models.testing", str(error.name), "testing")
    raise ModuleNotFoundError(message, name=error.name) from None

__all__ = ["FaultKind", "Hub", "ReceivedRequest", "Dialect"]
