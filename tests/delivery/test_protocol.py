"""Mail transactions, fed with bytes."""

from collections import deque

import pytest

from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.offers import Offers
from newsletter.delivery.outcome import Outcome, Phase, Verdict
from newsletter.delivery.protocol import Conversation
from newsletter.delivery.reply import ProtocolError, Reply
from newsletter.errors import RelayError, RelayUnavailable


def commands(name: str) -> bytes:
    return f"MAIL FROM:<from-{name}@x.org>\r\nRCPT TO:<{name}@x.org>\r\nDATA\r\n".encode()


def content(name: str) -> bytes:
    return f"Subject: {name}\r\n\r\n.dot\r\n".encode()


def wire(name: str) -> bytes:
    return f"Subject: {name}\r\n\r\n..dot\r\n.\r\n".encode()


class Talk:
    """A Conversation with a queue, and with what it wrote."""

    def __init__(self, *names: str, pipelining: bool = True, limit: int = 0) -> None:
        self.queue = deque(
            OutgoingMessage(name, f"from-{name}@x.org", f"{name}@x.org", content(name)) for name in names
        )
        self.outcomes: list[Outcome] = []
        self.conversation = Conversation(
            Offers(pipelining=pipelining), take=self.take, outcomes=self.outcomes, limit=limit
        )

    def take(self) -> OutgoingMessage | None:
        return self.queue.popleft() if self.queue else None

    def start(self) -> bytes:
        assert self.conversation.start()
        return self.written()

    def hear(self, data: bytes) -> bytes:
        self.conversation.receive(data)
        return self.written()

    def fail(self, data: bytes) -> RelayError:
        with pytest.raises(RelayError) as caught:
            self.conversation.receive(data)
        self.conversation.abandon()
        return caught.value

    def written(self) -> bytes:
        data = b"".join(self.conversation.buffer.pieces)
        self.conversation.buffer.sent(len(data))
        return data

    @property
    def verdicts(self) -> dict[str, str]:
        return {str(outcome.key): outcome.verdict.value for outcome in self.outcomes}


def test_the_commands_leave_together_and_the_next_ones_follow_the_content():
    talk = Talk("a", "b")

    assert talk.start() == commands("a")
    assert talk.hear(b"250 ok\r\n250 ok\r\n354 go\r\n") == wire("a") + commands("b")
    assert talk.hear(b"250 2.0.0 queued\r\n250 ok\r\n250 ok\r\n354 go\r\n") == wire("b")
    assert talk.hear(b"250 queued\r\n") == b""
    assert talk.outcomes == [
        Outcome("a", Verdict.SENT, Reply(250, "2.0.0", "queued"), Phase.DOT),
        Outcome("b", Verdict.SENT, Reply(250, None, "queued"), Phase.DOT),
    ]
    assert talk.conversation.is_at_rest


def test_replies_a_byte_at_a_time_come_to_the_same():
    talk = Talk("a", "b")
    written = talk.start()
    for byte in b"250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n":
        written += talk.hear(bytes([byte]))

    assert written == commands("a") + wire("a") + commands("b") + wire("b")
    assert talk.verdicts == {"a": "sent", "b": "sent"}


def test_without_pipelining_each_command_waits_for_its_reply():
    talk = Talk("a", "b", pipelining=False)
    mail, rcpt, data = commands("a").splitlines(keepends=True)

    assert talk.start() == mail
    assert talk.hear(b"250 ok\r\n") == rcpt
    assert talk.hear(b"250 ok\r\n") == data
    assert talk.hear(b"354 go\r\n") == wire("a")
    assert talk.hear(b"250 ok\r\n") == commands("b").splitlines(keepends=True)[0]
    assert talk.verdicts == {"a": "sent"}


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("replies", "verdict", "told"),
    [
        pytest.param([b"450 x", b"503 y", b"503 y"], "later", 450, id="MAIL 4yz"),
        pytest.param([b"550 x", b"503 y", b"503 y"], "refused", 550, id="MAIL 5yz"),
        pytest.param([b"250 ok", b"451 4.7.1 x", b"503 y"], "later", 451, id="RCPT 4yz"),
        pytest.param([b"250 ok", b"550 5.1.1 x", b"554 y"], "never", 550, id="RCPT 5yz"),
        pytest.param([b"250 ok", b"550 5.7.1 x", b"554 y"], "refused", 550, id="RCPT 5.7.1"),
        pytest.param([b"250 ok", b"552 too many recipients", b"503 y"], "later", 552, id="RCPT 552"),
        pytest.param([b"250 ok", b"250 ok", b"451 x"], "later", 451, id="DATA 4yz"),
        pytest.param([b"250 ok", b"250 ok", b"554 x"], "never", 554, id="DATA 5yz"),
        pytest.param([b"250 ok", b"250 ok", b"554 5.7.1 x"], "refused", 554, id="DATA 5.7.1"),
    ],
)
def test_a_refusal_before_the_content_is_reset_and_the_next_message_goes(pipelining, replies, verdict, told):
    talk = Talk("a", "b", pipelining=pipelining)
    written = talk.start()
    due = 3 if pipelining else next(at for at, reply in enumerate(replies, 1) if int(reply[:3]) >= 400)
    for reply in replies[:due]:
        written = talk.hear(reply + b"\r\n")

    refused = ("MAIL", "RCPT", "DATA")[next(at for at, reply in enumerate(replies) if int(reply[:3]) >= 400)]
    assert [(outcome.verdict, outcome.reply.code, outcome.phase.name) for outcome in talk.outcomes] == [
        (verdict, told, refused)
    ]
    if pipelining:
        assert written == b"RSET\r\n" + commands("b")
        talk.hear(b"250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        talk.hear(b"250 ok\r\n")
    else:
        assert written == b"RSET\r\n"
        assert talk.hear(b"250 reset\r\n") == commands("b").splitlines(keepends=True)[0]
        for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 ok\r\n"):
            talk.hear(reply)
    assert talk.verdicts == {"a": verdict, "b": "sent"}


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [(b"452 x", "later"), (b"554 x", "never"), (b"550 5.7.26 x", "refused")],
)
def test_a_refusal_of_the_content_ends_the_transaction_by_itself(reply, verdict):
    talk = Talk("a", "b")
    talk.start()
    talk.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")

    assert talk.hear(reply + b"\r\n250 ok\r\n250 ok\r\n354 go\r\n") == wire("b")
    talk.hear(b"250 ok\r\n")
    assert talk.verdicts == {"a": verdict, "b": "sent"}
    assert talk.outcomes[0].phase is Phase.DOT


def test_content_that_is_asked_for_without_a_recipient_is_empty():
    talk = Talk("a", "b")
    talk.start()

    assert talk.hear(b"250 ok\r\n550 5.1.1 no\r\n354 go\r\n") == b".\r\n" + commands("b")
    talk.hear(b"554 no recipients\r\n250 ok\r\n250 ok\r\n354 go\r\n")
    talk.hear(b"250 ok\r\n")
    assert talk.verdicts == {"a": "never", "b": "sent"}
    assert len(talk.outcomes) == 2


def test_no_empty_mail_reaches_a_reader_when_only_the_sender_is_refused():
    talk = Talk("a", "b")
    talk.start()

    assert isinstance(talk.fail(b"550 no\r\n250 ok\r\n354 go\r\n"), ProtocolError)
    assert talk.written() == b""
    assert talk.verdicts == {"a": "refused"}


def test_a_421_charges_nobody():
    talk = Talk("a", "b")
    talk.start()
    talk.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")

    assert isinstance(talk.fail(b"421 4.3.2 shutting down\r\n"), RelayUnavailable)
    farewell = Reply(421, "4.3.2", "shutting down")
    assert talk.outcomes == [
        Outcome("a", Verdict.LOST, farewell, Phase.DOT),
        Outcome("b", Verdict.LOST, farewell, None),
    ]


def test_lost_after_the_dot_is_unknown_and_what_was_sent_ahead_is_lost():
    talk = Talk("a", "b")
    talk.start()
    talk.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")
    talk.conversation.abandon()

    assert talk.verdicts == {"a": "unknown", "b": "lost"}


@pytest.mark.parametrize(("unwritten", "verdict"), [(0, "unknown"), (1, "lost")])
def test_whether_the_dot_was_written_is_known_to_the_octet(unwritten, verdict):
    talk = Talk("a", "b")
    talk.start()
    talk.conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    talk.conversation.buffer.sent(len(wire("a")) - unwritten)
    talk.conversation.abandon()

    assert talk.verdicts == {"a": verdict, "b": "lost"}


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [(b"452 full", "later"), (b"552 5.3.4 too large", "never"), (b"250 ok", "lost"), (b"421 bye", "lost")],
)
def test_an_answer_before_the_dot_was_written_ends_the_connection(reply, verdict):
    talk = Talk("a", "b")
    talk.start()
    talk.conversation.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    talk.conversation.buffer.sent(5)

    talk.fail(reply + b"\r\n")
    assert talk.verdicts == {"a": verdict, "b": "lost"}


@pytest.mark.parametrize(
    ("before", "wrong", "verdicts"),
    [
        pytest.param(b"", b"garbage", {"a": "lost"}, id="garbage to MAIL"),
        pytest.param(b"", b"354 go", {"a": "lost"}, id="354 to MAIL"),
        pytest.param(b"250 ok\r\n", b"354 go", {"a": "lost"}, id="354 to RCPT"),
        pytest.param(b"250 ok\r\n250 ok\r\n", b"250 ok", {"a": "lost"}, id="250 to DATA"),
        pytest.param(b"250 ok\r\n250 ok\r\n", b"334 x", {"a": "lost"}, id="334 to DATA"),
    ],
)
def test_a_reply_of_the_wrong_form_before_the_content(before, wrong, verdicts):
    talk = Talk("a", "b")
    talk.start()

    assert isinstance(talk.fail(before + wrong + b"\r\n"), ProtocolError)
    assert talk.verdicts == verdicts


@pytest.mark.parametrize("wrong", [b"garbage", b"354 go", b"250-x\r\n550 y"])
def test_a_reply_of_the_wrong_form_to_the_content(wrong):
    talk = Talk("a", "b")
    talk.start()
    talk.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")

    assert isinstance(talk.fail(wrong + b"\r\n"), ProtocolError)
    assert talk.verdicts == {"a": "unknown", "b": "lost"}


def test_what_came_before_garbage_counts():
    talk = Talk("a", "b")
    talk.start()
    talk.hear(b"250 ok\r\n250 ok\r\n354 go\r\n")

    talk.fail(b"250 queued\r\ngarbage\r\n")
    assert talk.verdicts == {"a": "sent", "b": "lost"}


def test_a_refused_rset_ends_the_connection():
    talk = Talk("a", "b")
    talk.start()
    talk.hear(b"250 ok\r\n550 5.1.1 no\r\n503 no\r\n")

    assert isinstance(talk.fail(b"500 what\r\n"), ProtocolError)
    assert talk.verdicts == {"a": "never", "b": "lost"}


def test_a_reply_to_nothing_ends_the_connection():
    talk = Talk()

    assert not talk.conversation.start()
    assert isinstance(talk.fail(b"250 ok\r\n"), ProtocolError)


def test_a_message_that_cannot_be_written_makes_room_for_the_next():
    talk = Talk("a")
    talk.queue.appendleft(OutgoingMessage("bad", "from@x.org", "x\r\nDATA@x.org", b""))
    talk.queue.appendleft(OutgoingMessage("utf8", "from@x.org", "жду@x.org", b""))

    assert talk.start() == commands("a")
    assert talk.verdicts == {"utf8": "never", "bad": "never"}


@pytest.mark.parametrize("pipelining", [True, False])
def test_after_its_number_of_messages_a_session_ends(pipelining):
    talk = Talk("a", "b", "c", pipelining=pipelining, limit=2)
    written = talk.start()
    for reply in (b"250 ok", b"250 ok", b"354 go", b"250 ok") * 2:
        written += talk.hear(reply + b"\r\n")

    assert written.endswith(wire("b") + b"QUIT\r\n")
    assert talk.conversation.phase is Phase.QUIT
    assert not talk.conversation.over
    talk.hear(b"221 bye\r\n")
    assert talk.conversation.over
    assert [message.key for message in talk.queue] == ["c"]


def test_a_session_ends_also_when_its_last_message_was_refused():
    talk = Talk("a", "b", limit=1)
    talk.start()

    assert talk.hear(b"250 ok\r\n550 5.1.1 no\r\n503 no\r\n") == b"RSET\r\n"
    assert talk.hear(b"250 ok\r\n") == b"QUIT\r\n"
