"""A network namespace for one test program. The API server takes no loopback address for an endpoint, so
nodes and replicas get addresses that exist in there only; nothing in it meets another test."""

import os
import subprocess
import sys
import unittest

from daemons import script


def enter(*addresses, llama_server=False):
    """Obtains what needs the network, then starts this program again in a namespace of its own; in
    there, gives it its addresses. HEADROOM_E2E_CONTROLPLANE and, if asked for,
    HEADROOM_E2E_LLAMA_SERVER name what was obtained."""
    if "HEADROOM_E2E_CONTROLPLANE" not in os.environ:
        if llama_server:
            os.environ["HEADROOM_E2E_LLAMA_SERVER"] = script("get-llama-server")
        os.environ["HEADROOM_E2E_CONTROLPLANE"] = script("get-controlplane")
        as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
        os.execvp("unshare", ["unshare", "--net", "--mount", *as_root, sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in addresses:
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)


def run(*addresses, llama_server=False):
    """The tests of the program that calls this, in there, up to the first that fails."""
    enter(*addresses, llama_server=llama_server)
    unittest.main(module="__main__", verbosity=2, failfast=True)
