"""What random tests of the machine have in common: a link that delivers when it likes."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from ads.link import Link, changes


class AnyMachine(RuleBasedStateMachine):
    """The machine, a fake Envoy, and answers, streams and processes that come and go."""

    def __init__(self):
        super().__init__()
        self.link = Link()
        self.world = {}
        self.link.start()

    def become(self, new):
        """Let the machine know what has changed against the last world."""
        gone = sorted(self.world.keys() - new.keys())
        real = [r for key, r in new.items() if self.world.get(key) != r]
        self.link.machine.update(changes(*real, gone=gone), self.link.now)
        self.world = new

    @rule()
    def write(self):
        self.link.poll()

    @rule(count=st.integers(1, 4))
    def down(self, count):
        for _ in range(count):
            self.link.deliver_response()

    @rule(count=st.integers(1, 4))
    def up(self, count):
        for _ in range(count):
            self.link.deliver_request()

    @precondition(lambda self: self.link.envoy.listening)
    @rule()
    def stream_breaks(self):
        self.link.reconnect()

    @rule()
    def process_dies(self):
        self.link.restart()
