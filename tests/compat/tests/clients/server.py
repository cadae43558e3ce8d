"""An XML-RPC server that answers as the table in its first argument says.

The table is JSON: from method names to values, or to {"fault": [code, text]}; "*" stands for all
methods without an entry. {"http": status} answers everything with that status. The server prints
its URL on the first line.
"""

import json
import sys
from xmlrpc.client import Fault
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

TABLE = json.loads(sys.argv[1])


class Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/RPC2",)

    def log_message(self, *args):
        pass

    def do_POST(self):
        if "http" in TABLE:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_error(TABLE["http"])
        else:
            super().do_POST()


class Server(SimpleXMLRPCServer):
    def _dispatch(self, method, params):
        answer = TABLE.get(method, TABLE.get("*", {"fault": [1, "UNKNOWN_METHOD"]}))
        if isinstance(answer, dict) and "fault" in answer:
            raise Fault(*answer["fault"])
        return answer


server = Server(("127.0.0.1", 0), requestHandler=Handler)
print("http://127.0.0.1:%d" % server.server_address[1], flush=True)
server.serve_forever()
