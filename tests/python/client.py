"""A client generated from the protos: create, attach, type, read the echo, resume by position.

Usage: client.py PATH_OF_CPD. Starts a daemon of its own in a temporary directory.
"""

import os
import queue
import signal
import subprocess
import sys
import tempfile

import grpc
from codeplane.v1 import session_pb2 as session
from codeplane.v1 import session_pb2_grpc as session_grpc
from codeplane.v1 import terminal_pb2 as terminal
from codeplane.v1 import terminal_pb2_grpc as terminal_grpc

DEADLINE = 20


class Daemon:
    """A daemon with private directories."""

    def __init__(self, cpd, home):
        self.cpd, self.home = cpd, home
        self.socket = f"{home}/r/op/cpd.sock"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.cpd, "serve", "--state-dir", f"{self.home}/s", "--runtime-dir", f"{self.home}/r"],
            env={"PATH": os.environ["PATH"], "HOME": self.home},
            stderr=open(f"{self.home}/log", "ab"),
        )

    def channel(self):
        # Without an authority grpcio sends the socket's path, which HTTP/2 servers must refuse.
        options = [("grpc.default_authority", "localhost")]
        channel = grpc.insecure_channel(f"unix:{self.socket}", options=options)
        grpc.channel_ready_future(channel).result(timeout=DEADLINE)
        return channel

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=DEADLINE)


class Attachment:
    """An attachment with its requests in a queue."""

    def __init__(self, channel, **init):
        self.requests = queue.Queue()
        self.send(init=terminal.AttachInit(**init))
        stub = terminal_grpc.TerminalServiceStub(channel)
        self.call = stub.Attach(iter(self.requests.get, None), timeout=DEADLINE)
        self.attached = next(self.call).frame.attached
        self.position = self.attached.position

    def send(self, **request):
        self.requests.put(terminal.AttachRequest(**request))

    def type(self, seq, data):
        self.send(input=terminal.AttachInput(seq=seq, data=data))

    def read_until(self, text):
        """Output up to `text`, and the position behind what was read."""
        seen = b""
        for response in self.call:
            frame = response.frame
            if frame.WhichOneof("frame") == "output":
                assert frame.output.offset == self.position.offset, "a byte is missing or repeated"
                self.position.offset += len(frame.output.data)
                seen += frame.output.data
                if text in seen:
                    return seen
        raise AssertionError(f"the stream ended before {text!r}; it had {seen!r}")

    def frames(self):
        return [response.frame for response in self.call]


def main():
    with tempfile.TemporaryDirectory(prefix="cp-") as home:
        daemon = Daemon(sys.argv[1], home)
        try:
            run(daemon)
        finally:
            daemon.stop()
    print("3 passed, 0 failed")


def run(daemon):
    channel = daemon.channel()
    sessions = session_grpc.SessionServiceStub(channel)
    # What is typed is 6*7, what is printed 42: only a program that ran can have said it.
    created = sessions.CreateSession(
        session.CreateSessionRequest(command=["sh"], cwd="/", name="python")
    ).session
    assert created.incarnation == 1 and created.pid > 0, created

    first = Attachment(
        channel,
        session="python",
        mode=terminal.ATTACH_MODE_CONTROL,
        size=terminal.TerminalSize(cols=100, rows=30),
        **{"from": terminal.OutputFrom(start=terminal.LogStart())},
    )
    first.type(1, b"echo answer $((6*7))\r")
    assert b"answer 42" in first.read_until(b"answer 42")
    print("created, attached, typed and read the echo")

    # The daemon is killed; the same attachment goes on by position and input number.
    daemon.kill()
    daemon.start()
    channel = daemon.channel()
    second = Attachment(
        channel,
        session=created.id,
        mode=terminal.ATTACH_MODE_CONTROL,
        resume_token=first.attached.resume_token,
        **{"from": terminal.OutputFrom(position=first.position)},
    )
    assert second.attached.attachment_id == first.attached.attachment_id
    assert second.attached.input_seq == 1, second.attached
    second.type(1, b"echo never typed again\r")
    second.type(2, b"echo after $((40+2)); exit 5\r")
    seen = second.read_until(b"after 42")
    assert b"never" not in seen, seen
    print("resumed by position after a SIGKILL of the daemon")

    last = second.frames()
    kinds = [frame.WhichOneof("frame") for frame in last]
    assert kinds[-2:] == ["exited", "end"], kinds
    assert last[-2].exited.status.code == 5
    print("got the exit code")


if __name__ == "__main__":
    main()
