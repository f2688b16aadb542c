"""The mail transactions of one SMTP session. Bytes in, bytes out, no I/O.

Replies come in the order of commands, so a queue of what is due tells what each one is about. Where the relay offers
PIPELINING (RFC 2920), MAIL, RCPT and DATA leave together, and behind the content of one message leave the commands of
the next (3.1: content may be the first in a group). Elsewhere, one command at a time.

At most two messages are under way in a session: one whose content is written, and one whose commands are.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from newsletter.delivery.message import OutgoingMessage, Transaction, prepare
from newsletter.delivery.offers import Offers
from newsletter.delivery.outcome import Outcome, Phase, Verdict, classify
from newsletter.delivery.reply import ProtocolError, Reply, ReplyReader
from newsletter.delivery.send_buffer import SendBuffer
from newsletter.delivery.window import Window
from newsletter.errors import RelayUnavailable

_ENVELOPE: Final = (Phase.MAIL, Phase.RCPT, Phase.DATA)


class Conversation:
    """Sends messages, got from `take` one after another, and adds what becomes of them to `outcomes`."""

    def __init__(
        self,
        offers: Offers,
        *,
        take: Callable[[], OutgoingMessage | None],
        outcomes: list[Outcome],
        window: Window | None = None,
        limit: int = 0,
    ) -> None:
        """`limit` is the number of messages after which the session is ended; 0 means none."""
        self._window = window or Window()
        self._is_held = False  #: `_opened` got its 354, and waits for room in the window
        self.buffer = SendBuffer()
        self.completed = 0  #: messages that the relay itself decided on
        self.over = False  #: QUIT was answered
        self._reader = ReplyReader()
        self._offers = offers
        self._take = take
        self._outcomes = outcomes
        self._left = limit or -1  #: messages that may still be started; negative: any number
        self._awaiting: deque[Phase] = deque()
        self._opened: Transaction | None = None  #: its commands are written, and the last not yet answered
        self._ended: Transaction | None = None  #: its content is in the buffer or written, and not yet answered
        self._farewell: Reply | None = None  #: a 421
        self._left_at: Phase | None = None  #: the command that got it
        self._after_dot = 0  #: octets put into the buffer behind the end of `_ended`
        self._lines: list[bytes] = []  #: without pipelining, the commands of `_opened` that were not yet written
        self._handlers: dict[Phase, Callable[[Reply], None]] = {
            Phase.MAIL: self._on_mail,
            Phase.RCPT: self._on_rcpt,
            Phase.DATA: self._on_data,
            Phase.DOT: self._on_dot,
            Phase.RSET: self._on_rset,
            Phase.QUIT: self._on_quit,
        }

    @property
    def phase(self) -> Phase | None:
        """The command whose reply is due; None if none is."""
        if self._awaiting:
            return self._awaiting[0]
        return Phase.DATA if self._is_held else None

    @property
    def is_held(self) -> bool:
        """Whether a content waits for room in the window."""
        return self._is_held

    @property
    def is_at_rest(self) -> bool:
        """Whether the session may end without anything being lost."""
        return self._opened is None and self._ended is None and self.phase in (None, Phase.QUIT)

    def start(self) -> bool:
        """Begin a message if nothing is under way and there is one; whether anything is under way now."""
        if self.phase is None:
            self._go_on()
        return bool(self._awaiting)

    def quit(self) -> None:
        """End the session; to be called when nothing is under way."""
        self.buffer.add(b"QUIT\r\n")
        self._awaiting.append(Phase.QUIT)

    def receive(self, data: bytes) -> bool:
        """Take in what was read; True if it completed a reply. Raises RelayError if the session can't go on."""
        handled = False
        for reply in self._reader.read(data):
            handled = True
            if reply.code == 421:
                self._farewell = reply
                self._left_at = self._awaiting[0] if self._awaiting else None
                raise RelayUnavailable(f"the relay ended the session: {reply}", reply_code=421)
            if not self._awaiting:
                raise ProtocolError("the relay sent a reply to nothing", reply_code=reply.code)
            self._handlers[self._awaiting.popleft()](reply)
        return handled

    def abandon(self) -> None:
        """The connection is dead: tell the outcomes of what was under way."""
        if self._ended is not None:
            dot_is_out = self.buffer.unsent <= self._after_dot
            verdict = Verdict.UNKNOWN if dot_is_out and self._farewell is None else Verdict.LOST
            if not self._ended.settled:
                self._window.answered()
            self._settle(self._ended, verdict, self._farewell, Phase.DOT if self._left_at is Phase.DOT else None)
        self._window.leave(self)
        self._is_held = False
        if self._opened is not None:
            self._settle(
                self._opened, Verdict.LOST, self._farewell, self._left_at if self._left_at in _ENVELOPE else None
            )
        self._ended = self._opened = None

    def _settle(self, transaction: Transaction, verdict: Verdict, reply: Reply | None, phase: Phase | None) -> None:
        if transaction.settled:
            return
        transaction.settled = True
        self._outcomes.append(Outcome(transaction.key, verdict, reply, phase))

    def _next_transaction(self) -> Transaction | None:
        while self._left:
            message = self._take()
            if message is None:
                return None
            prepared = prepare(message, self._offers)
            if isinstance(prepared, Transaction):
                self._left -= 1
                return prepared
            self._outcomes.append(prepared)
        return None

    def _go_on(self) -> None:
        """Nothing is due: begin the next message, or end the session if it has had its number of them."""
        if self._awaiting:
            return
        self._open(b"")
        if not self._awaiting and not self._left:
            self.quit()

    def _open(self, ahead: bytes) -> None:
        """Write `ahead`, and in the same piece the commands of the next message if there is one."""
        transaction = self._next_transaction()
        if transaction is None:
            self.buffer.add(ahead)
            return
        self._opened = transaction
        if self._offers.pipelining:
            self.buffer.add(ahead + transaction.commands)
            self._awaiting.extend(_ENVELOPE)
            return
        self.buffer.add(ahead)
        self._lines = transaction.commands.splitlines(keepends=True)
        self._write_command(Phase.MAIL)

    def _write_command(self, phase: Phase) -> None:
        self.buffer.add(self._lines.pop(0))
        self._awaiting.append(phase)

    def _on_mail(self, reply: Reply) -> None:
        transaction = self._current()
        if reply.code >= 300:
            self._fail(transaction, Phase.MAIL, reply)
        if self._offers.pipelining:
            return
        if transaction.settled:
            self._reset()
            return
        self._write_command(Phase.RCPT)

    def _on_rcpt(self, reply: Reply) -> None:
        transaction = self._current()
        if reply.code >= 300:
            self._fail(transaction, Phase.RCPT, reply)
        else:
            transaction.recipient_taken = True
        if self._offers.pipelining:
            return
        if transaction.settled:
            self._reset()
            return
        self._write_command(Phase.DATA)

    def _on_data(self, reply: Reply) -> None:
        transaction = self._current()
        if reply.code != 354:
            self._fail(transaction, Phase.DATA, reply)
            self._reset()
            return
        if transaction.settled and transaction.recipient_taken:
            # The sender was refused, and yet the relay would take content: an empty mail must not reach a reader.
            raise ProtocolError("the relay refused the sender, and then asked for content", reply_code=354)
        if transaction.settled or self._window.enter(self):
            self._write_content(transaction)
            return
        self._is_held = True

    def resume(self) -> None:
        """Go on after being held: there is room in the window."""
        self._is_held = False
        self._write_content(self._current())

    def _write_content(self, transaction: Transaction) -> None:
        """Write the content, or an empty one if there is nobody to get it (RFC 2920, 3.1), and the next commands."""
        self._opened = None
        self._ended = transaction
        self._awaiting.append(Phase.DOT)
        ending = b".\r\n"
        if not transaction.settled:
            self.buffer.add(transaction.content)
            ending = transaction.ending
        if not self._offers.pipelining:
            self.buffer.add(ending)
            self._after_dot = 0
            return
        before = self.buffer.unsent
        self._open(ending)
        self._after_dot = self.buffer.unsent - before - len(ending)

    def _on_dot(self, reply: Reply) -> None:
        transaction = self._ended
        if transaction is None:
            raise ProtocolError("the relay answered to no message", reply_code=reply.code)
        is_early = self.buffer.unsent > self._after_dot
        if is_early and reply.code < 400:
            raise ProtocolError("the relay took a message before its end", reply_code=reply.code)
        if not transaction.settled:
            self._settle(transaction, classify(Phase.DOT, reply), reply, Phase.DOT)
            self._window.answered()
            self.completed += 1
        self._ended = None
        if is_early:
            raise RelayUnavailable("the relay refused a message before its end", reply_code=reply.code)
        if not self._awaiting:
            self._go_on()

    def _on_rset(self, reply: Reply) -> None:
        if reply.code != 250:
            raise ProtocolError("the relay refused RSET", reply_code=reply.code)
        self._go_on()

    def _on_quit(self, _reply: Reply) -> None:
        self.over = True

    def _current(self) -> Transaction:
        if self._opened is None:
            raise ProtocolError("the relay answered to no message")
        return self._opened

    def _fail(self, transaction: Transaction, phase: Phase, reply: Reply) -> None:
        """Settle by a refusal, unless an earlier command was refused: the first one tells why."""
        verdict = classify(phase, reply)
        if transaction.settled:
            return
        self._settle(transaction, verdict, reply, phase)
        self.completed += 1

    def _reset(self) -> None:
        """End a transaction without content (RFC 5321, 4.1.1.5), since the next MAIL would else be refused."""
        self._opened = None
        self._lines = []
        self._awaiting.append(Phase.RSET)
        if self._offers.pipelining:
            self._open(b"RSET\r\n")
            return
        self.buffer.add(b"RSET\r\n")
