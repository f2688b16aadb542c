"""What a message is: templates, the compiled edition, headers, bytes. No database, no Flask."""
