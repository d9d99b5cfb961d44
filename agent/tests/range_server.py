"""An object store's side of ranged reads, with its troubles; it counts what it sends."""

import http.server
import os
import re
import threading


class RangeServer:
    """Serves files by name. `trouble(number, request)` may answer itself: it is asked before each answer, and returns True then."""

    def __init__(self, folder):
        server = self
        self.sent, self.requests, self.trouble, self.knows_ranges = 0, [], lambda number, request: False, True

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                server.requests.append(self.headers.get("Range"))
                if server.trouble(len(server.requests), self):
                    return
                path = os.path.join(folder, self.path.split("?")[0].lstrip("/"))
                if not os.path.isfile(path):
                    self.plain(404)
                    return
                size = os.path.getsize(path)
                first, last = (int(part) for part in re.match(r"bytes=(\d+)-(\d+)", self.headers["Range"]).groups())
                if server.knows_ranges and first >= size:
                    self.plain(416)
                    return
                last = min(last, size - 1)
                if not server.knows_ranges:
                    first, last = 0, size - 1
                self.send_response(206 if server.knows_ranges else 200)
                if server.knows_ranges:
                    self.send_header("Content-Range", "bytes %d-%d/%d" % (first, last, size))
                self.send_header("Content-Length", str(last - first + 1))
                self.end_headers()
                with open(path, "rb") as file:
                    file.seek(first)
                    left = last - first + 1
                    while left:
                        block = file.read(min(left, 1 << 16))
                        try:
                            self.wfile.write(block)
                        except OSError:
                            self.close_connection = True
                            return
                        left -= len(block)
                        server.sent += len(block)

            def plain(self, status):
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # whoever was read from hung up: that is what is tested
        self.url = "http://127.0.0.1:%d/" % self._http.server_port
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()
