"""Where the README's figures come from: `make bench`. Each is a ratio against a peer in the same run."""
