"""A control plane as a process of its own, which may be killed or frozen.

Run with the port of the control plane, the port of its one listener, the status that it answers,
and the files of certificate and key.
"""

import asyncio
import sys
from pathlib import Path

from ads.real_envoy import changes
from fairlead.ads.listening import KeyPair
from fairlead.ads.server import AdsServer
from support.proxy_pod import ACCESS, PROXY, site


async def main(port, listener, status, pair):
    server = AdsServer(None, lambda _: None)
    server.update(PROXY, changes(*site(int(listener), int(status))))
    await server.start_tls(f"127.0.0.1:{port}", lambda: pair, ACCESS)
    print("serving", flush=True)  # noqa: T201 - for who waits
    await asyncio.Event().wait()


if __name__ == "__main__":
    *numbers, certificate, key = sys.argv[1:]
    asyncio.run(main(*numbers, KeyPair(Path(certificate).read_bytes(), Path(key).read_bytes())))
