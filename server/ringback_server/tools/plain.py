"""A tool that asks nobody: its arguments in, its answer out."""

from ringback_server.tools.base import Call, Result, told


async def plainly(call: Call) -> Result:
    """Run the tool as every face runs it."""
    return told(await call.spec.run(call.telephone, call.arguments()))
