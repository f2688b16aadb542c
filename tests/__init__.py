"""The tests mirror the package; tests/journeys walks whole paths over HTTP and real SMTP."""
