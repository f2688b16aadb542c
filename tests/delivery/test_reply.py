"""The reader of replies: whole, split, of several lines, garbled."""

import pytest

from newsletter.delivery.reply import LONGEST_LINE, MOST_LINES, ProtocolError, Reply, ReplyReader


def read(*pieces: bytes) -> list[Reply]:
    reader = ReplyReader()
    return [reply for piece in pieces for reply in reader.read(piece)]


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        pytest.param(b"250 2.1.0 Ok\r\n", Reply(250, "2.1.0", "Ok"), id="enhanced code is taken off"),
        pytest.param(b"250 Ok\r\n", Reply(250, None, "Ok"), id="no enhanced code"),
        pytest.param(b"250\r\n", Reply(250, None, ""), id="a bare code"),
        pytest.param(b"250 \r\n", Reply(250, None, ""), id="a code and a space"),
        pytest.param(
            b"250 2.0.0 Ok: queued as 4F \r\n", Reply(250, "2.0.0", "Ok: queued as 4F"), id="space at the end"
        ),
        pytest.param(b"250  2.0.0  Ok\r\n", Reply(250, "2.0.0", "Ok"), id="spaces in between"),
        pytest.param(b"550 5.7.1 \t\xff\r\n", Reply(550, "5.7.1", "\ufffd"), id="an enhanced code before rubbish"),
        pytest.param(b"250 Ok\n", Reply(250, None, "Ok"), id="a bare LF is put up with"),
        pytest.param(b"550 5.1.1\r\n", Reply(550, "5.1.1", ""), id="an enhanced code without text"),
        pytest.param(b"550 5.1.10 Null MX\r\n", Reply(550, "5.1.10", "Null MX"), id="two digits of detail"),
        pytest.param(b"571 no\r\n", Reply(571, None, "no"), id="a second digit beyond the RFC's"),
        pytest.param(b"450 5.1.1 odd\r\n", Reply(450, None, "odd"), id="an enhanced code of another class is dropped"),
        pytest.param(b"550 5.1.1234 x\r\n", Reply(550, None, "5.1.1234 x"), id="four digits are no enhanced code"),
        pytest.param(b"550 10.0.0.1 is bad\r\n", Reply(550, None, "10.0.0.1 is bad"), id="an address is no code"),
        pytest.param(
            b"550-5.1.1 No such user\r\n550-5.1.1 here\r\n550 5.1.1 bye\r\n",
            Reply(550, "5.1.1", "No such user here bye"),
            id="several lines are joined",
        ),
        pytest.param(b"250-a\r\n250-\r\n250 b\r\n", Reply(250, None, "a b"), id="an empty line in between"),
        pytest.param(b"550 caf\xc3\xa9 \xff\x1b[0m\r\n", Reply(550, None, "café \ufffd [0m"), id="control is blanked"),
        pytest.param(b"550 a\xe2\x80\xaeb\r\n", Reply(550, None, "a b"), id="so is what turns the text around"),
        pytest.param(b"550 " + b"x" * 900 + b"\r\n", Reply(550, None, "x" * 500), id="long text is cut"),
    ],
)
def test_a_reply_is_read(data, reply):
    assert read(data) == [reply]
    assert read(*(data[at : at + 1] for at in range(len(data)))) == [reply], "a byte at a time"


def test_replies_that_come_together_are_told_apart():
    assert [reply.code for reply in read(b"250 a\r\n354 b\r\n25", b"0-x\r\n250 y\r\n", b"421 z\r\n")] == [
        250, 354, 250, 421,
    ]  # fmt: skip


def test_a_reply_before_garbage_counts():
    replies = ReplyReader().read(b"250 Ok\r\nHTTP/1.1 400 Bad\r\n")

    assert next(replies) == Reply(250, None, "Ok")
    with pytest.raises(ProtocolError):
        next(replies)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"hello\r\n", id="no code"),
        pytest.param(b"\r\n", id="an empty line"),
        pytest.param(b"199 x\r\n", id="no such class"),
        pytest.param(b"650 x\r\n", id="no such class either"),
        pytest.param(b"25 x\r\n", id="two digits"),
        pytest.param(b"2500 x\r\n", id="four digits"),
        pytest.param(b"250_x\r\n", id="neither space nor hyphen"),
        pytest.param(b"250-x\r\n550 y\r\n", id="the code changes within a reply"),
        pytest.param(b"250-x\r\n" * (MOST_LINES + 1), id="a reply without end"),
        pytest.param(b"250 " + b"x" * LONGEST_LINE, id="a line without end"),
        pytest.param(b"\xff\xfe\x00\r\n", id="binary"),
    ],
)
def test_what_is_no_reply_is_an_error(data):
    with pytest.raises(ProtocolError):
        read(data)


def test_the_lines_of_a_long_reply_are_kept():
    reader = ReplyReader()
    assert len(list(reader.read(b"250-relay.example.org\r\n250-SIZE 1000\r\n250 PIPELINING\r\n"))) == 1

    assert reader.lines == ["relay.example.org", "SIZE 1000", "PIPELINING"]


def test_the_reader_knows_whether_bytes_are_left():
    reader = ReplyReader()
    assert len(list(reader.read(b"250 Ok\r\n25"))) == 1
    assert reader.has_rest

    assert len(list(reader.read(b"0 Ok\r\n"))) == 1
    assert not reader.has_rest


def test_a_reply_reads_well():
    assert str(Reply(550, "5.1.1", "No such user")) == "550 5.1.1 No such user"
    assert str(Reply(250)) == "250"
