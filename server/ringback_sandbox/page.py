import re
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from .faults import FAULT_KINDS, MAGIC_NUMBERS, TELEPHONY_MODES
from .views import SAMPLE_HOST, SAMPLE_PATH

if TYPE_CHECKING:
    from starlette.requests import Request

    from .carrier import Carrier

_HERE = Path(__file__).parent


def page_routes(carrier: "Carrier") -> list[BaseRoute]:
    """The handset page, its files, and the sample picture."""

    async def page(request: "Request") -> Response:
        del request
        return HTMLResponse(_render(carrier.line))

    async def sample(request: "Request") -> Response:
        del request
        return FileResponse(_HERE / "sample" / "receipt.svg", media_type="image/svg+xml")

    return [
        Route("/", page, methods=["GET"]),
        Route(SAMPLE_PATH, sample, methods=["GET"]),
        Mount("/sandbox/static", StaticFiles(directory=_HERE / "static")),
    ]


def _render(line: str) -> str:
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True)
    return environment.get_template("handset.html").render(
        line=line,
        line_shown=_grouped(line),
        fault_kinds=FAULT_KINDS,
        telephony_modes=TELEPHONY_MODES,
        magic=MAGIC_NUMBERS.values(),
        sample_host=SAMPLE_HOST,
    )


def _grouped(number: str) -> str:
    """A North American number in groups; any other as it is."""
    return re.sub(r"\+1(\d{3})(\d{3})(\d{4})", r"+1 \1 \2 \3", number)
