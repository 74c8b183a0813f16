"""A small real server for hosts in network namespaces: netns_server.py web PORT TITLE | tls PORT TITLE CERT KEY MINIMUM |
greet PORT HEX. Listens on IPv4 and IPv6."""

from __future__ import annotations

import http.server
import socket
import ssl
import sys


class Web(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


class Handler(http.server.BaseHTTPRequestHandler):
    title = ""

    def do_GET(self) -> None:
        body = f"<html><head><title>{self.title}</title></head><body></body></html>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class TlsWeb(Web):
    def finish_request(self, request: object, client_address: object) -> None:
        # in the thread of the connection: a scanner that hangs up must not hold the others
        try:
            wrapped = CONTEXT.wrap_socket(request, server_side=True)  # type: ignore[arg-type]
        except (OSError, ssl.SSLError):
            return
        self.RequestHandlerClass(wrapped, client_address, self)

    def handle_error(self, request: object, client_address: object) -> None:
        pass


CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def greet(port: int, greeting: bytes) -> None:
    with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) as listening:
        while True:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(greeting)


def main(what: str, port: str, text: str, *tls: str) -> None:
    if what == "greet":
        greet(int(port), bytes.fromhex(text))
    Handler.title = text
    if what == "web":
        Web(("::", int(port)), Handler).serve_forever()
    certificate, key, minimum = tls
    CONTEXT.minimum_version = ssl.TLSVersion[minimum]
    CONTEXT.set_ciphers("ALL:@SECLEVEL=0" if minimum != "TLSv1_2" else "ECDHE+AESGCM")
    CONTEXT.load_cert_chain(certificate, key)
    TlsWeb(("::", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
