"""Admission on real parts: every message as kubectl prints it, the cases of the API server's own
webhook tests, client certificates, two replicas racing, and deletion. One control plane for all."""

import contextlib
import unittest

from admission_callers import Callers
from admission_cases import Cases
from admission_lab import Lab, enter_namespace
from admission_messages import Messages
from admission_races import Races

SUITES = (Messages, Cases, Callers, Races)  # in this order: the last one takes the webhooks away


def load_tests(loader, *_):
    return unittest.TestSuite(loader.loadTestsFromTestCase(suite) for suite in SUITES)


def main():
    enter_namespace()
    with contextlib.ExitStack() as stack:
        lab = Lab(stack.callback)
        for suite in SUITES:
            suite.lab = lab
        unittest.main(verbosity=2, warnings="ignore")  # sockets that end with the process


if __name__ == "__main__":
    main()
