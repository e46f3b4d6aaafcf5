#!/usr/bin/env python3
"""A site that passes itself off as a portal: hands every request on to it under the right name, and its answers back.

usage: relay.py PORTAL PORTAL-CA.pem CERTIFICATE.pem KEY.pem

PORTAL is an origin, such as https://localhost:40001. The first line of the output is `listening on` its own.
"""
import http.client, http.server, ssl, sys

portal, authority, certificate, key = sys.argv[1:]
host = portal.removeprefix("https://")
# Headers of one connection only, and those that are written anew.
OURS = {"host", "origin", "referer", "connection", "keep-alive", "transfer-encoding", "content-length", "accept-encoding"}


class Relay(http.server.BaseHTTPRequestHandler):
    def hand_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OURS}
        headers["Host"] = host
        if "Origin" in self.headers:
            headers["Origin"] = portal
        connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=authority))
        connection.request(self.command, self.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in OURS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = hand_on

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(f"listening on https://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
