"""An ordinary FastAPI application that calls the Flask one; see `flask_app`."""

from __future__ import annotations

import logging
import sys

import fastapi
import httpx
import uvicorn

application = fastapi.FastAPI()


@application.get("/checkout/{number}")
async def checkout(number: int) -> dict[str, int]:
    """Ask the other service."""
    logging.getLogger("checkout").warning("checking out %d", number)
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{sys.argv[2]}/orders/{number}")
    return {"status": answer.status_code}


if __name__ == "__main__":
    uvicorn.run(application, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
