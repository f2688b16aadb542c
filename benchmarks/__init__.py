"""Where the README's figures come from: `make bench`. Each is a ratio against a peer in the same run.

    splicing    a digest by splicing, beside one ordinary render
    planning    an edition's deliveries, beside a bare INSERT ... SELECT
    storing     bytes a reader
    sending     the sender beside smtp-source, with and without DKIM
    places      the same with few places a reader and with many
    readers     many readers beside few: rate, memory, bytes
    plain       the sender beside smtplib, EmailMessage and Jinja
    workers     one sender and two, SQLite and PostgreSQL
    importing   a list of subscribers taken in, beside the database's own bulk load
    pages       web pages while an edition is sent
    profile     microseconds a message by step
    scale       the tables of docs/scale.md, out of `costs` and `limits`

The others are what these share: who reads (`audience`), where it runs (`instance`), a sender in a process of its own
(`sending_process`), where it sends to (`relay`, `slow_sink`), what Linux tells of processes, and tables.
"""
