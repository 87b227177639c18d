"""System calls on a mount, made by a process of their own.

A process that forks closes its open files, even those of a mount that does not answer, and waits for that. So the
program that starts and stops nodes must not have a file of a mount open.
"""

import os
import pickle
import subprocess
import sys


class SystemCalls:
    """Functions of `os`, called elsewhere; descriptors are those of that process."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        start_new_session=True)  # Ctrl-C is for the others

    def __call__(self, function, *arguments, **options):
        pickle.dump((function, arguments, options), self.process.stdin)
        self.process.stdin.flush()
        answer = pickle.load(self.process.stdout)
        if isinstance(answer, OSError):
            raise answer
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def serve(requests, answers):
    while True:
        try:
            function, arguments, options = pickle.load(requests)
        except EOFError:
            return
        try:
            answer = getattr(os, function)(*arguments, **options)
        except OSError as error:
            answer = error
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
