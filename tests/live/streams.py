"""A camera of the network: pictures at a pace, as OpenCV reads them from an address."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


@contextmanager
def stream(pictures: list[Picture], interval: float) -> Iterator[str]:
    """The address of a camera that gives pictures u8[H,W,3] RGB, some seconds apart, and then no more."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
            self.end_headers()
            with suppress(OSError):  # of who looks no longer
                for picture in pictures:
                    self._send(cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes())
                    time.sleep(interval)

        def _send(self, content: bytes) -> None:
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
            self.wfile.write(head.encode() + content + b"\r\n")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/camera.mjpg"
        finally:
            server.shutdown()
            thread.join()
