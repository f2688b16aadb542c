"""Values and rules of the digest. No I/O, no clock, no framework: times and texts come in, values go out."""
