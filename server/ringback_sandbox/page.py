from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from .carrier import Carrier


def page_routes(carrier: "Carrier") -> list[Route]:
    """The handset page."""

    async def page(request: "Request") -> Response:
        del request
        assert carrier.line
        return HTMLResponse("")

    return [Route("/", page, methods=["GET"])]
