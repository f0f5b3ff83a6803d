import asyncio
import urllib.error
import urllib.request

import pytest

from ccx_operator.liveness import served_liveness


async def test_the_loop_itself_says_that_it_is_alive_and_nothing_else() -> None:
    async with asyncio.timeout(60), served_liveness("127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}"
        with await asyncio.to_thread(urllib.request.urlopen, f"{url}/healthz") as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError, match="404"):
            await asyncio.to_thread(urllib.request.urlopen, f"{url}/metrics")
