"""A container of the workload tests: tells its name, and is unready or crashes when asked to.

Run as `python pod_app.py --listen IP:PORT --switch DIRECTORY`. While DIRECTORY/NAME.unready
exists, GET /ready is 503; GET /crash ends the process. NAME is POD_NAME.
"""

import argparse
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    parser.add_argument("--switch", type=Path, required=True)
    options = parser.parse_args()
    name = os.environ["POD_NAME"]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path == "/crash":
                os._exit(3)
            unready = self.path == "/ready" and (options.switch / f"{name}.unready").exists()
            body = f"{name}\n".encode()
            self.send_response(503 if unready else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    host, _, port = options.listen.rpartition(":")
    ThreadingHTTPServer((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
